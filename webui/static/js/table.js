// The table of recordings: every cell can be typed into, several rows can be set at once, a column can be pasted from a
// spreadsheet, Enter and the arrows go up and down, Ctrl+D fills down, Ctrl+Z takes back. Rows can be sorted and filtered.
// What is being typed is never overwritten by news from the server.

import { part, patch, put, remove } from "./api.js";
import { ask, attempt, complain, tell } from "./dialogs.js";
import { button, byId, h, show } from "./dom.js";
import { bytes, number, seconds } from "./format.js";
import { say } from "./say.js";

export const FIELDS = ["subject", "group", "session", "day"];
const SORTED = ["file", ...FIELDS], names = new Intl.Collator("en", { numeric: true });
const PLACEHOLDERS = { subject: "table.subject_hint", group: "table.group_hint", session: "table.none", day: "table.none" };

export class Table {
  /** `place` gets the rows; `changed` is called when values were saved; `drawBox` and `details` open what else may be said of a recording. */
  constructor({ study, place, editable, changed, drawBox, details }) {
    Object.assign(this, { study, place, editable, changed, drawBox, details, rows: new Map(), chosen: new Set(), last: null, whole: [], recordings: [], order: [], by: null, down: false, words: "", before: [], undone: () => {} });
    this.body = h("tbody", { role: "rowgroup" });
    this.all = h("input", { type: "checkbox", "aria-label": say("table.choose_all"), on: { change: () => this.chooseAll(this.all.checked) } });
    this.heads = new Map(SORTED.map((name) => [name, h("th", { role: "columnheader", scope: "col", class: name }, button(say(`table.${name}`), () => this.sort(name), { class: "sort" }))]));
    this.table = h("table", { class: "recordings", role: "table", "aria-label": say("table.title") },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { role: "columnheader", class: "pick" }, this.all), h("th", { role: "columnheader", class: "frame" }, h("span", { class: "sr" }, say("table.frame"))), [...this.heads.values()],
        h("th", { role: "columnheader", class: "tools" }, h("span", { class: "sr" }, say("table.tools"))))), this.body);
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("paste", (event) => this.paste(event));
    place.append(this.table, h("datalist", { id: "groups" }));
  }

  update(recordings) {
    this.whole = recordings;
    this.arrange();
    const ids = new Set(recordings.map((one) => one.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) { row.line.remove(); this.rows.delete(id); this.chosen.delete(id); }
    const shown = new Set(this.recordings.map((one) => one.id));
    for (const [id, row] of this.rows) row.line.hidden = !shown.has(id);
    this.recordings.forEach((recording, place) => {
      if (!this.rows.has(recording.id)) this.rows.set(recording.id, this.row(recording));
      const row = this.rows.get(recording.id);
      if (this.body.children[place] !== row.line) this.body.insertBefore(row.line, this.body.children[place] ?? null);
      this.refresh(row, recording);
    });
    const groups = [...new Set(recordings.map((one) => one.group).filter(Boolean))].sort();
    if (groups.join("\n") !== this.groups) show(byId("groups"), groups.map((group) => h("option", { value: group })));
    this.groups = groups.join("\n");
    this.drawBulk();
  }

  /** The rows that are shown, in their order: as sorted when it was asked for, new ones last, so that no row jumps while it is typed. */
  arrange() {
    const place = new Map(this.order.map((id, i) => [id, i])), words = this.words.toLowerCase();
    const text = (one) => [one.file_name, ...FIELDS.map((field) => one[field] ?? "")].join("\n").toLowerCase();
    this.recordings = this.whole.filter((one) => !words || text(one).includes(words)).sort((a, b) => (place.get(a.id) ?? Infinity) - (place.get(b.id) ?? Infinity) || 0);
  }

  sort(by) {
    this.down = this.by === by && !this.down;
    this.by = by;
    const value = (one) => String((by === "file" ? one.file_name : one[by]) ?? "");
    this.order = [...this.whole].sort((a, b) => (this.down ? -1 : 1) * names.compare(value(a), value(b)) || names.compare(a.file_name, b.file_name)).map((one) => one.id);
    for (const [name, head] of this.heads) { if (name === by) head.setAttribute("aria-sort", this.down ? "descending" : "ascending"); else head.removeAttribute("aria-sort"); }
    this.update(this.whole);
  }

  /** Show only rows in which these words stand. */
  filter(words) {
    this.words = words.trim();
    this.update(this.whole);
  }

  row(recording) {
    const name = recording.file_name;
    const pick = h("input", { type: "checkbox", "aria-label": say("table.choose", { name }), on: { click: (event) => this.choose(recording.id, pick.checked, event.shiftKey) } });
    const frame = h("td", { role: "cell", class: "frame" }), facts = h("p", { class: "fine" }), verdict = h("p", { class: "verdict" });
    const inputs = Object.fromEntries(FIELDS.map((field) => [field, this.input(recording, field)]));
    const box = button(say("table.box"), () => this.drawBox(this.find(recording.id)), { class: "small plain", "aria-label": say("table.box_of", { name }) });
    const more = button("…", () => this.details(this.find(recording.id)), { class: "small plain", "aria-label": say("table.details_of", { name }) });
    const away = button("×", () => this.delete([recording.id]), { class: "small plain", "aria-label": say("table.delete_of", { name }) });
    if (!this.editable) away.hidden = true;
    const line = h("tr", { role: "row" }, h("td", { role: "cell", class: "pick" }, pick), frame,
      h("td", { role: "cell", class: "file" }, h("p", { class: "name" }, name), facts, verdict),
      FIELDS.map((field) => h("td", { role: "cell", class: field, "data-label": say(`table.${field}`) }, inputs[field])), h("td", { role: "cell", class: "tools" }, box, more, away));
    return { line, pick, frame, facts, verdict, inputs, box, more };
  }

  input(recording, field) {
    const made = h("input", { "aria-label": say(`table.${field}_of`, { name: recording.file_name }), placeholder: say(PLACEHOLDERS[field]), maxlength: 200, autocomplete: "off", spellcheck: "false",
      list: field === "group" ? "groups" : null, inputmode: field === "day" ? "decimal" : null, disabled: !this.editable, data: { id: recording.id, field } });
    made.addEventListener("change", () => this.typed(made));
    return made;
  }

  /** What was typed is saved, unless it is what is there: a cell that was filled down is left later. */
  typed(input) {
    const { id, field } = input.dataset, value = input.value.trim();
    if (value !== String(this.find(id)[field] ?? "")) this.save([id], { [field]: value });
    else input.removeAttribute("aria-invalid");
  }

  refresh(row, recording) {
    row.pick.checked = this.chosen.has(recording.id);
    for (const field of FIELDS) {
      const input = row.inputs[field], value = recording[field] ?? "";
      if (document.activeElement !== input && !input.dataset.saving) input.value = String(value);
      if (field === "subject" || field === "group") input.classList.toggle("wanted", value === "" && recording.status !== "failed");
    }
    row.facts.textContent = [seconds(recording.duration_s), this.rate(recording),
      recording.width ? `${recording.width} × ${recording.height}` : "", bytes(recording.bytes), recording.keypoints ? say("table.keypoints") : "", recording.mask ? say("table.mask") : ""].filter(Boolean).join(" · ");
    row.line.className = recording.status;
    this.verdict(row.verdict, recording);
    row.box.hidden = recording.status === "probing" || recording.status === "failed";
    row.box.classList.toggle("set", Boolean(recording.box || recording.face_box || recording.face_path));
    row.more.classList.toggle("set", ["given_fps", "start_s", "end_s", "dose"].some((name) => recording[name] !== null) || Boolean(recording.keypoints || recording.mask));
    const picture = recording.status === "ok" || recording.status === "partial" ? `/api/v1/studies/${this.study}/recordings/${recording.id}/frame.jpg` : null;
    if (row.picture !== `${picture}`) { show(row.frame, picture ? h("img", { src: picture, alt: say("table.frame_of", { name: recording.file_name }), loading: "lazy", width: 112, height: 76 }) : h("span", { class: "blank" })); row.picture = `${picture}`; }
  }

  rate({ fps, given_fps: given }) {
    const shown = given ?? fps;
    return shown ? say(given ? "table.rate_given" : "table.rate", { fps: number(shown, shown % 1 ? 2 : 0) }) : "";
  }

  verdict(place, recording) {
    const said = recording.keypoints && recording.keypoints_said !== "ok" ? recording.keypoints_said : "";
    const words = [recording.reason, said, ...(recording.warnings ?? [])].filter(Boolean).join(" ");
    const mark = `${recording.status}|${words}`;
    if (place.dataset.mark === mark) return;
    place.dataset.mark = mark;
    show(place, recording.status === "ok" && !words ? null : h("span", { class: `tag ${recording.status}` }, say(`verdict.${recording.status}`)), words ? h("span", { class: "fine" }, words) : null);
  }

  find(id) { return this.whole.find((one) => one.id === id); }

  /** Remember what rows hold before they are changed: [{id, values}] with the new values. */
  remember(rows) {
    this.before.push(rows.map(({ id, values }) => ({ id, values: Object.fromEntries(Object.keys(values).map((field) => [field, this.find(id)[field] ?? ""])) })));
    this.undone(this.before.length);
  }

  /** The last change was refused: there is nothing to take back. */
  forget() {
    this.before.pop();
    this.undone(this.before.length);
  }

  /** Take the last change back. */
  async undo() {
    const rows = this.before.pop()?.filter(({ id }) => this.find(id));
    this.undone(this.before.length);
    if (rows?.length) await this.write(rows);
  }

  /** Different values for several rows, all or none. */
  async change(rows) {
    this.remember(rows);
    if (await this.write(rows) === undefined) this.forget();
  }

  async write(rows) {
    const fields = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
    const lines = rows.map(({ id, values }) => [id, ...fields.map((field) => values[field] ?? this.find(id)[field] ?? "")]);
    const done = await attempt(() => put(`studies/${this.study}/table.csv`, [["id", ...fields], ...lines].map((cells) => cells.map(cell).join(",")).join("\n"), "text/csv"));
    this.changed();
    return done;
  }

  async save(ids, values) {
    const inputs = ids.flatMap((id) => Object.keys(values).map((field) => this.rows.get(id)?.inputs[field])).filter(Boolean);
    const set = Object.fromEntries(Object.entries(values).map(([field, value]) => [field, field === "day" ? (value === "" ? null : Number(String(value).replace(",", "."))) : value]));
    const wrong = Number.isNaN(set.day);
    for (const input of inputs) { input.toggleAttribute("aria-invalid", wrong); if (wrong) input.setAttribute("aria-invalid", "true"); else input.dataset.saving = "1"; }
    if (wrong) { tell(say("table.day_wrong", { value: values.day }), true); return; }
    this.remember(ids.map((id) => ({ id, values: set })));
    for (const id of ids) Object.assign(this.find(id), set); // until the server says so, too
    try {
      if (ids.length === 1) await patch(`studies/${this.study}/recordings/${part(ids[0])}`, set);
      else await patch(`studies/${this.study}/recordings`, { ids, set });
    } catch (error) {
      complain(error);
      this.forget();
    }
    for (const input of inputs) delete input.dataset.saving;
    this.changed();
  }

  async delete(ids) {
    const name = ids.length === 1 ? this.find(ids[0]).file_name : say("table.recordings", { n: ids.length });
    if (!await ask(say("table.delete_title"), say("table.delete_words", { name }), say("common.delete"))) return;
    for (const id of ids) await attempt(() => remove(`studies/${this.study}/recordings/${part(id)}`));
    this.chosen.clear();
    this.changed();
  }

  choose(id, on, range) {
    const order = this.recordings.map((one) => one.id);
    const to = order.indexOf(id), from = range && order.includes(this.last) ? order.indexOf(this.last) : to;
    for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) { if (on) this.chosen.add(each); else this.chosen.delete(each); }
    this.last = id;
    this.update(this.whole);
  }

  chooseAll(on) {
    this.chosen = new Set(on ? this.recordings.map((one) => one.id) : []);
    this.update(this.whole);
  }

  drawBulk() {
    const n = this.chosen.size, shown = this.recordings.filter((one) => this.chosen.has(one.id)).length;
    this.all.checked = shown > 0 && shown === this.recordings.length;
    this.all.indeterminate = n > 0 && !this.all.checked;
    byId("bulk").hidden = n === 0;
    byId("bulk-count").textContent = say("table.chosen", { n });
  }

  move(event) {
    const input = event.target.closest("input[data-field]");
    if (input && (event.ctrlKey || event.metaKey)) { this.shortcut(event, input); return; }
    const step = { ArrowDown: 1, ArrowUp: -1, Enter: event.shiftKey ? -1 : 1 }[event.key];
    if (!input || !step || event.isComposing || (input.list && event.key !== "Enter" && input.value !== "")) return;
    const order = this.recordings.map((one) => one.id);
    const next = this.rows.get(order[order.indexOf(input.dataset.id) + step])?.inputs[input.dataset.field];
    event.preventDefault();
    if (next) { next.focus(); next.select(); } else input.blur();
  }

  shortcut(event, input) {
    const key = event.key.toLowerCase(), saved = String(this.find(input.dataset.id)?.[input.dataset.field] ?? "");
    if (key === "d") this.fillDown(input);
    else if (key === "z" && input.value.trim() === saved) { input.blur(); this.undo(); } // else the browser takes back what is being typed
    else return;
    event.preventDefault();
  }

  /** The value of a cell for the chosen rows; without any, for the rows below it up to the next one that has a value. */
  async fillDown(input) {
    const { id, field } = input.dataset, order = this.recordings.map((one) => one.id), value = input.value.trim();
    const below = order.slice(order.indexOf(id) + 1), end = below.findIndex((each) => String(this.find(each)[field] ?? "") !== "");
    const ids = this.chosen.size ? [...this.chosen] : [id, ...below.slice(0, end < 0 ? below.length : end)];
    await this.save(ids, { [field]: value });
  }

  /** A block copied from a spreadsheet fills the cells below and to the right. */
  async paste(event) {
    const input = event.target.closest("input[data-field]");
    const lines = event.clipboardData.getData("text").replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
    if (!input || (lines.length < 2 && lines[0].length < 2)) return;
    event.preventDefault();
    input.blur();
    const order = this.recordings.map((one) => one.id), first = order.indexOf(input.dataset.id), column = FIELDS.indexOf(input.dataset.field);
    const values = (cells) => Object.fromEntries(cells.map((text, right) => [FIELDS[column + right], text.trim()]).filter(([field]) => field));
    await this.change(lines.map((cells, down) => ({ id: order[first + down], values: values(cells) })).filter(({ id }) => id));
  }
}

/** A cell of CSV; an apostrophe keeps what begins like a formula a text. */
const cell = (value) => `"${(/^[=+\-@\t\r']/.test(String(value)) ? `'${value}` : String(value)).replaceAll('"', '""')}"`;
