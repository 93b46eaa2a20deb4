// Above the table: filter, compact rows, rename by a pattern, fill down, take back; and names that differ in spelling only.

import { byId, button, h, show } from "./dom.js";
import { renameByPattern } from "./rename.js";
import { say } from "./say.js";

const COMPACT = "ubam-compact-rows";
const spelled = (name) => name.normalize("NFKC").toLowerCase().replace(/[\s_-]+/g, "").replace(/(^|\D)0+(?=\d)/g, "$1");

export class TableTools {
  constructor(table, editable) {
    Object.assign(this, { table, cell: null });
    const filter = byId("table-filter"), compact = byId("table-compact"), undo = byId("table-undo");
    filter.addEventListener("input", () => table.filter(filter.value));
    compact.checked = localStorage.getItem(COMPACT) === "1";
    const press = () => table.table.classList.toggle("compact", compact.checked);
    compact.addEventListener("change", () => { localStorage.setItem(COMPACT, compact.checked ? "1" : ""); press(); });
    press();
    if (!editable) return;
    byId("table-rename").addEventListener("click", () => renameByPattern(table));
    undo.addEventListener("click", () => table.undo());
    table.undone = (n) => { undo.disabled = n === 0; };
    const fill = byId("table-fill");
    table.body.addEventListener("focusin", (event) => { this.cell = event.target.closest("input[data-field]") ?? this.cell; fill.disabled = !this.cell; });
    fill.addEventListener("click", () => { if (this.cell?.isConnected) table.fillDown(this.cell); });
    this.spelling = byId("spelling");
  }

  /** Offer one spelling for names that differ in spelling only: the one that most rows have. */
  check(recordings) {
    if (!this.spelling) return;
    const found = ["group", "subject"].flatMap((field) => doubts(recordings, field));
    this.spelling.hidden = found.length === 0;
    show(this.spelling, found.map(({ field, names, ids }) => h("p", {}, say("table.spelling", { what: say(`table.${field}`), names: names.map(([name, n]) => `${name} (${n})`).join(", ") }), " ",
      button(say("table.one_spelling", { name: names[0][0] }), () => this.table.save(ids, { [field]: names[0][0] }), { class: "small" }))));
  }
}

/** Names of a column that are the same but for capitals, spaces, hyphens and leading zeros, the most frequent first. */
export function doubts(recordings, field) {
  const sets = new Map();
  for (const one of recordings) if (one[field]) { const key = spelled(one[field]); sets.set(key, [...(sets.get(key) ?? []), one]); }
  return [...sets.values()].map((rows) => {
    const counts = new Map();
    for (const row of rows) counts.set(row[field], (counts.get(row[field]) ?? 0) + 1);
    return { field, ids: rows.map((row) => row.id), names: [...counts].sort((a, b) => b[1] - a[1]) };
  }).filter(({ names }) => names.length > 1);
}
