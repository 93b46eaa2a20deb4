// Messages at the foot of the page, questions before something is deleted, and small forms.

import { button, byId, h } from "./dom.js";
import { say } from "./say.js";

/** Say something that happened; errors stay until they are dismissed. */
export function tell(sentence, bad = false) {
  const line = h("p", { class: bad ? "bad" : null, role: bad ? "alert" : null }, sentence);
  line.append(button(say("common.dismiss"), () => line.remove()));
  byId("says").append(line);
  if (!bad) setTimeout(() => line.remove(), 6000);
}

/** Say what failed; a fault of the page itself goes to the console, too, with its place in the code. */
export function complain(error) {
  if (error.status === undefined) console.error(error);
  tell(error.message, true);
}

/** Do something that may fail; what fails is said. Gives the result, or undefined. */
export async function attempt(work) {
  try { return await work(); } catch (error) { complain(error); return undefined; }
}

let opened = 0; // a question may stand above another dialog, and each has a title of its own

export function open(title, content, props = {}) {
  const id = `dialog-title-${opened += 1}`, box = h("dialog", { "aria-labelledby": id, ...props }, h("h2", { id }, title), content);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** Ask before something that cannot be undone; true when the person wants it. */
export function ask(title, sentence, does) {
  return new Promise((answer) => {
    const yes = button(does, () => box.close("yes"), { class: "danger" });
    const no = button(say("common.keep"), () => box.close());
    const box = open(title, [h("p", {}, sentence), h("div", { class: "row end" }, no, yes)]);
    box.addEventListener("close", () => answer(box.returnValue === "yes"));
    no.focus();
  });
}

/** A dialog with one line of text; gives the text, or null. */
export function askText(title, label, value, does) {
  return new Promise((answer) => {
    const field = h("input", { id: "asked", value, maxlength: 200, required: true, autocomplete: "off" });
    const form = h("form", { method: "dialog", on: { submit: () => box.close(field.value.trim()) } },
      h("label", { for: "asked" }, label), field,
      h("div", { class: "row end" }, button(say("common.cancel"), () => box.close("")), h("button", { class: "main" }, does)));
    const box = open(title, form);
    box.addEventListener("close", () => answer(box.returnValue || null));
    field.select();
  });
}
