// Drag a box on a frame from the middle: where the subject is, or a face to be blurred. Numbers beside it do the same by keyboard.

import { patch } from "./api.js";
import { attempt, open } from "./dialogs.js";
import { button, h, show, svg } from "./dom.js";
import { say } from "./say.js";

const CORNERS = ["x0", "y0", "x1", "y1"];
const SMALLEST = 4;

/** Opens the dialog; `others` are recordings of the same size that may get the same box. Resolves when something was saved. */
export function drawBoxes(study, recording, others, editable) {
  return new Promise((done) => new BoxDialog(study, recording, others, editable, done));
}

class BoxDialog {
  constructor(study, recording, others, editable, done) {
    Object.assign(this, { study, recording, others, boxes: { box: recording.box, face_box: recording.face_box }, kind: "box", from: null });
    this.shape = svg("svg", { viewBox: `0 0 ${recording.width} ${recording.height}`, "aria-hidden": "true" });
    this.area = h("div", { class: "canvas", style: { width: `calc(56dvh * ${recording.width / recording.height})` } }, h("img", { src: `/api/v1/studies/${study}/recordings/${recording.id}/frame.jpg`, alt: say("table.frame_of", { name: recording.file_name }), draggable: "false", width: recording.width, height: recording.height }), this.shape);
    this.fields = Object.fromEntries(CORNERS.map((name) => [name, h("input", { type: "number", min: 0, step: 1, id: `box-${name}`, on: { change: () => this.typed() } })]));
    this.words = h("p", { class: "fine" });
    this.same = h("input", { type: "checkbox", id: "box-same" });
    if (editable) this.listen();
    this.dialog = open(say("box.title", { name: recording.file_name }), this.content(editable), { class: "large" });
    this.dialog.addEventListener("close", () => { if (this.dialog.returnValue === "saved") done(); });
    this.paint();
  }

  content(editable) {
    const kinds = ["box", "face_box"].map((kind) => h("label", { class: "inline" }, h("input", { type: "radio", name: "kind", value: kind, checked: kind === this.kind, on: { change: () => { this.kind = kind; this.paint(); } } }), say(`box.${kind}`)));
    const numbers = CORNERS.map((name) => h("div", {}, h("label", { for: `box-${name}` }, say(`box.${name}`)), this.fields[name]));
    return [h("fieldset", { class: "kinds" }, h("legend", { class: "sr" }, say("box.which")), kinds), this.words, this.area,
      h("div", { class: "numbers" }, numbers),
      this.others.length ? h("label", { class: "inline" }, this.same, say("box.same", { n: this.others.length })) : null,
      h("div", { class: "row end" }, editable ? button(say("box.clear"), () => { this.boxes[this.kind] = null; this.paint(); }, { class: "plain" }) : null,
        button(say("common.cancel"), () => this.dialog.close()), editable ? button(say("common.save"), () => this.save(), { class: "main" }) : null)];
  }

  listen() {
    this.area.addEventListener("pointerdown", (event) => { event.preventDefault(); this.area.setPointerCapture(event.pointerId); this.from = this.at(event); });
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
    this.boxes[this.kind] = box;
    this.paint();
  }

  typed() {
    const [x0, y0, x1, y1] = CORNERS.map((name) => Number(this.fields[name].value));
    const { width, height } = this.recording;
    if (CORNERS.every((name) => this.fields[name].value !== "")) this.set([Math.min(x0, width), Math.min(y0, height)], [Math.min(x1, width), Math.min(y1, height)]);
  }

  paint() {
    this.words.textContent = say(`box.${this.kind}_words`);
    const rect = ([kind, box]) => (box ? svg("rect", { class: `${kind}${kind === this.kind ? " now" : ""}`, x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] }) : null);
    show(this.shape, Object.entries(this.boxes).map(rect));
    const box = this.boxes[this.kind];
    CORNERS.forEach((name, place) => { if (document.activeElement !== this.fields[name] || box) this.fields[name].value = box ? box[place] : ""; });
  }

  async save() {
    const saved = this.same.checked
      ? await attempt(() => patch(`studies/${this.study}/recordings`, { ids: [this.recording, ...this.others].map((one) => one.id), set: this.boxes }))
      : await attempt(() => patch(`studies/${this.study}/recordings/${this.recording.id}`, this.boxes));
    if (saved !== undefined) this.dialog.close("saved");
  }
}
