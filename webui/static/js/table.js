// The table of recordings: every cell can be typed into, several rows can be set at once, a column can be pasted from a
// spreadsheet, Enter and the arrows go up and down. What is being typed is never overwritten by news from the server.

import { part, patch, remove } from "./api.js";
import { ask, attempt, complain, tell } from "./dialogs.js";
import { button, byId, h, show } from "./dom.js";
import { bytes, number, seconds } from "./format.js";
import { say } from "./say.js";

export const FIELDS = ["subject", "group", "session", "day"];
const PLACEHOLDERS = { subject: "table.subject_hint", group: "table.group_hint", session: "table.none", day: "table.none" };

export class Table {
  /** `place` gets the rows; `changed` is called when values were saved; `drawBox` opens the picture of a recording. */
  constructor({ study, place, editable, changed, drawBox }) {
    Object.assign(this, { study, place, editable, changed, drawBox, rows: new Map(), chosen: new Set(), last: null, recordings: [] });
    this.body = h("tbody", { role: "rowgroup" });
    this.all = h("input", { type: "checkbox", "aria-label": say("table.choose_all"), on: { change: () => this.chooseAll(this.all.checked) } });
    const heads = ["file", ...FIELDS].map((name) => h("th", { role: "columnheader", scope: "col", class: name }, say(`table.${name}`)));
    this.table = h("table", { class: "recordings", role: "table", "aria-label": say("table.title") },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { role: "columnheader", class: "pick" }, this.all), h("th", { role: "columnheader", class: "frame" }, h("span", { class: "sr" }, say("table.frame"))), heads,
        h("th", { role: "columnheader", class: "tools" }, h("span", { class: "sr" }, say("table.tools"))))), this.body);
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("paste", (event) => this.paste(event));
    place.append(this.table, h("datalist", { id: "groups" }));
  }

  update(recordings) {
    this.recordings = recordings;
    const ids = new Set(recordings.map((one) => one.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) { row.line.remove(); this.rows.delete(id); this.chosen.delete(id); }
    recordings.forEach((recording, place) => {
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

  row(recording) {
    const name = recording.file_name;
    const pick = h("input", { type: "checkbox", "aria-label": say("table.choose", { name }), on: { click: (event) => this.choose(recording.id, pick.checked, event.shiftKey) } });
    const frame = h("td", { role: "cell", class: "frame" }), facts = h("p", { class: "fine" }), verdict = h("p", { class: "verdict" });
    const inputs = Object.fromEntries(FIELDS.map((field) => [field, this.input(recording, field)]));
    const box = button(say("table.box"), () => this.drawBox(this.find(recording.id)), { class: "small plain", "aria-label": say("table.box_of", { name }) });
    const away = button("×", () => this.delete([recording.id]), { class: "small plain", "aria-label": say("table.delete_of", { name }) });
    if (!this.editable) away.hidden = true;
    const line = h("tr", { role: "row" }, h("td", { role: "cell", class: "pick" }, pick), frame,
      h("td", { role: "cell", class: "file" }, h("p", { class: "name" }, name), facts, verdict),
      FIELDS.map((field) => h("td", { role: "cell", class: field, "data-label": say(`table.${field}`) }, inputs[field])), h("td", { role: "cell", class: "tools" }, box, away));
    return { line, pick, frame, facts, verdict, inputs, box };
  }

  input(recording, field) {
    const made = h("input", { "aria-label": say(`table.${field}_of`, { name: recording.file_name }), placeholder: say(PLACEHOLDERS[field]), maxlength: 200, autocomplete: "off", spellcheck: "false",
      list: field === "group" ? "groups" : null, inputmode: field === "day" ? "decimal" : null, disabled: !this.editable, data: { id: recording.id, field } });
    made.addEventListener("change", () => this.save([recording.id], { [field]: made.value.trim() }));
    return made;
  }

  refresh(row, recording) {
    row.pick.checked = this.chosen.has(recording.id);
    for (const field of FIELDS) {
      const input = row.inputs[field], value = recording[field] ?? "";
      if (document.activeElement !== input && !input.dataset.saving) input.value = String(value);
      if (field === "subject" || field === "group") input.classList.toggle("wanted", value === "" && recording.status !== "failed");
    }
    row.facts.textContent = [seconds(recording.duration_s), recording.fps ? say("table.rate", { fps: number(recording.fps, recording.fps % 1 ? 2 : 0) }) : "",
      recording.width ? `${recording.width} × ${recording.height}` : "", bytes(recording.bytes)].filter(Boolean).join(" · ");
    row.line.className = recording.status;
    this.verdict(row.verdict, recording);
    row.box.hidden = recording.status === "probing" || recording.status === "failed";
    row.box.classList.toggle("set", Boolean(recording.box || recording.face_box));
    const picture = recording.status === "ok" || recording.status === "partial" ? `/api/v1/studies/${this.study}/recordings/${recording.id}/frame.jpg` : null;
    if (row.picture !== `${picture}`) { show(row.frame, picture ? h("img", { src: picture, alt: say("table.frame_of", { name: recording.file_name }), loading: "lazy", width: 112, height: 76 }) : h("span", { class: "blank" })); row.picture = `${picture}`; }
  }

  verdict(place, recording) {
    const words = [recording.reason, ...(recording.warnings ?? [])].filter(Boolean).join(" ");
    const mark = `${recording.status}|${words}`;
    if (place.dataset.mark === mark) return;
    place.dataset.mark = mark;
    show(place, recording.status === "ok" && !words ? null : h("span", { class: `tag ${recording.status}` }, say(`verdict.${recording.status}`)), words ? h("span", { class: "fine" }, words) : null);
  }

  find(id) { return this.recordings.find((one) => one.id === id); }

  async save(ids, values, last = true) {
    const inputs = ids.flatMap((id) => Object.keys(values).map((field) => this.rows.get(id)?.inputs[field])).filter(Boolean);
    const set = Object.fromEntries(Object.entries(values).map(([field, value]) => [field, field === "day" ? (value === "" ? null : Number(String(value).replace(",", "."))) : value]));
    const wrong = Number.isNaN(set.day);
    for (const input of inputs) { input.toggleAttribute("aria-invalid", wrong); if (wrong) input.setAttribute("aria-invalid", "true"); else input.dataset.saving = "1"; }
    if (wrong) { tell(say("table.day_wrong", { value: values.day }), true); return; }
    try {
      if (ids.length === 1) await patch(`studies/${this.study}/recordings/${part(ids[0])}`, set);
      else await patch(`studies/${this.study}/recordings`, { ids, set });
    } catch (error) {
      complain(error);
    }
    for (const input of inputs) delete input.dataset.saving;
    if (last) this.changed();
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
    const from = range && this.last ? order.indexOf(this.last) : order.indexOf(id), to = order.indexOf(id);
    for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) { if (on) this.chosen.add(each); else this.chosen.delete(each); }
    this.last = id;
    this.update(this.recordings);
  }

  chooseAll(on) {
    this.chosen = new Set(on ? this.recordings.map((one) => one.id) : []);
    this.update(this.recordings);
  }

  drawBulk() {
    const n = this.chosen.size, total = this.recordings.length;
    this.all.checked = n > 0 && n === total;
    this.all.indeterminate = n > 0 && n < total;
    byId("bulk").hidden = n === 0;
    byId("bulk-count").textContent = say("table.chosen", { n });
  }

  move(event) {
    const input = event.target.closest("input[data-field]");
    const step = { ArrowDown: 1, ArrowUp: -1, Enter: event.shiftKey ? -1 : 1 }[event.key];
    if (!input || !step || event.isComposing || (input.list && event.key !== "Enter" && input.value !== "")) return;
    const order = this.recordings.map((one) => one.id);
    const next = this.rows.get(order[order.indexOf(input.dataset.id) + step])?.inputs[input.dataset.field];
    event.preventDefault();
    if (next) { next.focus(); next.select(); } else input.blur();
  }

  /** A block copied from a spreadsheet fills the cells below and to the right. */
  async paste(event) {
    const input = event.target.closest("input[data-field]");
    const lines = event.clipboardData.getData("text").replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
    if (!input || (lines.length < 2 && lines[0].length < 2)) return;
    event.preventDefault();
    input.blur();
    const order = this.recordings.map((one) => one.id), first = order.indexOf(input.dataset.id), column = FIELDS.indexOf(input.dataset.field);
    for (const [down, cells] of lines.entries()) {
      const id = order[first + down];
      const values = Object.fromEntries(cells.map((cell, right) => [FIELDS[column + right], cell.trim()]).filter(([field]) => field));
      if (id) await this.save([id], values, false);
    }
    this.changed();
  }
}
