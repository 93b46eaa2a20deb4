// Drag a box on a frame from the middle: where the subject is. Or on the film, at some moments: a face to be hidden, which
// the box then follows. Numbers beside it do the same by keyboard.

import { patch } from "./api.js";
import { attempt, open } from "./dialogs.js";
import { button, h, show, svg } from "./dom.js";
import { boxAt, FaceFilm } from "./facefilm.js";
import { say } from "./say.js";

const CORNERS = ["x0", "y0", "x1", "y1"];
const SMALLEST = 4;

/** Opens the dialog; `others` are recordings of the same size that may get the same box. Resolves when something was saved. */
export function drawBoxes(study, recording, others, editable) {
  return new Promise((done) => new BoxDialog(study, recording, others, editable, done));
}

class BoxDialog {
  constructor(study, recording, others, editable, done) {
    Object.assign(this, { study, recording, others, editable, box: recording.box, kind: "box", from: null });
    const keys = recording.face_path ?? (recording.face_box ? [[0, ...recording.face_box]] : []);
    this.shape = svg("svg", { viewBox: `0 0 ${recording.width} ${recording.height}`, "aria-hidden": "true" });
    this.picture = h("img", { src: `/api/v1/studies/${study}/recordings/${recording.id}/frame.jpg`, alt: say("table.frame_of", { name: recording.file_name }), draggable: "false", width: recording.width, height: recording.height });
    this.words = h("p", { class: "fine" });
    this.fields = Object.fromEntries(CORNERS.map((name) => [name, h("input", { type: "number", min: 0, step: 1, id: `box-${name}`, disabled: !editable, on: { change: () => this.typed() } })]));
    this.same = h("input", { type: "checkbox", id: "box-same" });
    this.sameLabel = h("label", { class: "inline" }, this.same, say("box.same", { n: others.length }));
    this.away = button("", () => this.remove(), { class: "plain" });
    this.film = new FaceFilm(study, recording, keys, editable, () => this.paint());
    this.area = h("div", { class: "canvas", style: { width: `calc(50dvh * ${recording.width / recording.height})` } }, this.picture, this.film.video, this.shape);
    if (editable) this.listen();
    this.dialog = open(say("box.title", { name: recording.file_name }), this.content(), { class: "large" });
    this.dialog.addEventListener("close", () => { this.film.stop(); if (this.dialog.returnValue === "saved") done(); });
    this.choose("box");
  }

  content() {
    const kinds = ["box", "face_box"].map((kind) => h("label", { class: "inline" }, h("input", { type: "radio", name: "kind", value: kind, checked: kind === this.kind, on: { change: () => this.choose(kind) } }), say(`box.${kind}`)));
    const numbers = CORNERS.map((name) => h("div", {}, h("label", { for: `box-${name}` }, say(`box.${name}`)), this.fields[name]));
    return [h("fieldset", { class: "kinds" }, h("legend", { class: "sr" }, say("box.which")), kinds), this.words, this.area, this.film.element,
      h("div", { class: "numbers" }, numbers), this.others.length ? this.sameLabel : null,
      h("div", { class: "row end" }, this.editable ? this.away : null,
        button(say("common.cancel"), () => this.dialog.close()), this.editable ? button(say("common.save"), () => this.save(), { class: "main" }) : null)];
  }

  choose(kind) {
    this.kind = kind;
    const face = kind === "face_box";
    this.film.element.hidden = !face;
    this.area.classList.toggle("film-shown", face);
    if (face) this.film.open(() => this.dialog.open); else this.film.stop();
    this.words.textContent = say(`box.${kind}_words`);
    this.away.textContent = say(face ? "box.clear_moment" : "box.clear");
    this.paint();
  }

  listen() {
    this.area.addEventListener("pointerdown", (event) => { event.preventDefault(); this.film.stop(); this.area.setPointerCapture(event.pointerId); this.from = this.at(event); });
    this.area.addEventListener("pointermove", (event) => { if (this.from) this.set(this.from, this.at(event)); });
    this.area.addEventListener("pointerup", () => { this.from = null; });
  }

  at(event) {
    const { left, top, width, height } = this.area.getBoundingClientRect();
    const inside = (value, most) => Math.round(Math.max(0, Math.min(most, value)));
    return [inside((event.clientX - left) / width * this.recording.width, this.recording.width), inside((event.clientY - top) / height * this.recording.height, this.recording.height)];
  }

  set(a, b) {
    const box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    if (box[2] - box[0] < SMALLEST || box[3] - box[1] < SMALLEST) return;
    if (this.kind === "box") { this.box = box; this.paint(); } else this.film.set(box);
  }

  remove() {
    if (this.kind === "box") { this.box = null; this.paint(); } else this.film.clear();
  }

  typed() {
    const [x0, y0, x1, y1] = CORNERS.map((name) => Number(this.fields[name].value));
    const { width, height } = this.recording;
    if (CORNERS.every((name) => this.fields[name].value !== "")) this.set([Math.min(x0, width), Math.min(y0, height)], [Math.min(x1, width), Math.min(y1, height)]);
  }

  paint() {
    if (!this.film) return;
    const boxes = { box: this.box, face_box: boxAt(this.film.keys, this.film.time) }, now = boxes[this.kind];
    const rect = ([kind, box]) => (box ? svg("rect", { class: `${kind}${kind === this.kind ? " now" : ""}`, x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] }) : null);
    show(this.shape, Object.entries(boxes).map(rect));
    this.away.hidden = !now;
    this.sameLabel.hidden = this.film.keys.length > 1;
    CORNERS.forEach((name, place) => { if (document.activeElement !== this.fields[name] || now) this.fields[name].value = now ? Math.round(now[place]) : ""; });
  }

  /** What is saved: a face of one moment stays where it is in the whole film. */
  values() {
    const { keys } = this.film;
    return { box: this.box, face_box: keys.length === 1 ? keys[0].slice(1) : null, face_path: keys.length > 1 ? keys : null };
  }

  async save() {
    const saved = this.same.checked && !this.sameLabel.hidden
      ? await attempt(() => patch(`studies/${this.study}/recordings`, { ids: [this.recording, ...this.others].map((one) => one.id), set: this.values() }))
      : await attempt(() => patch(`studies/${this.study}/recordings/${this.recording.id}`, this.values()));
    if (saved !== undefined) this.dialog.close("saved");
  }
}
