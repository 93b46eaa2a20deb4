// Rename many rows at once: a pattern with * takes names apart, a second text puts the parts together; the result is shown before.

import { open } from "./dialogs.js";
import { button, h, show } from "./dom.js";
import { say } from "./say.js";

const SHOWN = 8;
const TAKEN = ["file_name", "subject", "group", "session"], SET = ["subject", "group", "session", "day"];

/** What `pattern` and `result` make of a name: * stands for any text, {1} for what the first one found; null where it does not fit. */
export function renamed(name, pattern, result) {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const found = new RegExp(`^${parts.join("(.*?)")}$`, "i").exec(name);
  return found && result.replace(/\{(\d+)\}/g, (_, n) => found[Number(n)] ?? "").trim();
}

export function renameByPattern(table) {
  const choice = (id, names, value) => h("select", { id }, names.map((name) => h("option", { value: name, selected: name === value }, say(`table.${name === "file_name" ? "file" : name}`))));
  const from = choice("rename-from", TAKEN, "file_name"), to = choice("rename-to", SET, "subject");
  const pattern = h("input", { id: "rename-pattern", value: "*", autocomplete: "off", spellcheck: "false" }), result = h("input", { id: "rename-result", value: "{1}", autocomplete: "off", spellcheck: "false" });
  const list = h("tbody"), words = h("p", { class: "fine", role: "status" });
  const apply = h("button", { class: "main" }, say("table.apply"));
  let rows = [];
  const recordings = table.chosen.size ? table.recordings.filter((one) => table.chosen.has(one.id)) : table.recordings;
  const preview = () => {
    const made = recordings.map((one) => ({ one, name: String(one[from.value] ?? ""), value: renamed(plain(one, from.value), pattern.value.trim(), result.value) }));
    rows = made.filter(({ value }) => value !== null).map(({ one, value }) => ({ id: one.id, values: { [to.value]: value } }));
    show(list, made.slice(0, SHOWN).map(({ name, value }) => h("tr", {}, h("td", {}, name), h("td", {}, value === null ? h("span", { class: "soft" }, say("rename.unfit")) : value))));
    words.textContent = say("rename.fit", { n: rows.length, of: made.length });
    apply.disabled = rows.length === 0;
  };
  const field = (key, input) => h("div", { class: "field" }, h("label", { for: input.id }, say(`rename.${key}`)), input);
  const form = h("form", { on: { submit: (event) => { event.preventDefault(); box.close(); table.change(rows); } } }, h("p", { class: "fine read" }, say("rename.words")),
    h("div", { class: "fields" }, field("from", from), field("pattern", pattern), field("to", to), field("result", result)),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": say("rename.preview") }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("rename.before")), h("th", { scope: "col" }, say("rename.after")))), list)), words,
    h("div", { class: "row end" }, button(say("common.cancel"), () => box.close()), apply));
  for (const input of [from, to, pattern, result]) input.addEventListener("input", preview);
  const box = open(say("rename.title"), form, { class: "large" });
  preview();
  pattern.select();
}

/** A file's name counts without its ending. */
const plain = (one, field) => (field === "file_name" ? one.file_name.replace(/\.[^.]*$/, "") : String(one[field] ?? ""));
