// A run that is there already is noticed before it starts: it can be opened, or started once more.

import { post } from "./api.js";
import { open } from "./dialogs.js";
import { button, h } from "./dom.js";
import { say } from "./say.js";

/** Start a run; the run, or null where the person wants none after all. */
export async function startOnce(path, wish) {
  try {
    return await post(path, wish);
  } catch (error) {
    if (error.status !== 409 || !error.detail.run) throw error;
    const wanted = await choose(error.detail);
    return wanted === "again" ? post(path, { ...wish, again: true }) : wanted === "open" ? { id: error.detail.run } : null;
  }
}

function choose({ name }) {
  return new Promise((answer) => {
    const choice = (words, value, props) => button(words, () => box.close(value), props);
    const box = open(say("start.same"), [h("p", {}, say("start.same_words", { name: name || say("run.unnamed") })),
      h("div", { class: "row end" }, choice(say("common.cancel"), ""), choice(say("start.again"), "again"), choice(say("start.open_same"), "open", { class: "main" }))]);
    box.addEventListener("close", () => answer(box.returnValue));
  });
}
