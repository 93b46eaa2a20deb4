// Maps of postures and behaviours: every dot a moment. Moving over one shows its frame, a click its film.

import { part } from "./api.js";
import { button, h, show } from "./dom.js";
import { seconds } from "./format.js";
import { groupKeys, keyOf } from "./legend.js";
import { say } from "./say.js";

const SIZE = 560, EDGE = 16, NEAR = 14;
const TIMES = ["#2a5caa", "#5f6f8f", "#8c8a82", "#b6a971", "#d9bd2f"];

export function showMaps(view, maps, place, choose) {
  const kinds = ["posture", "behaviour"].filter((kind) => maps?.[kind]?.xy?.length);
  place.hidden = kinds.length === 0;
  if (kinds.length) show(place, h("h2", {}, say("maps.title")), h("p", { class: "fine read" }, say("maps.words")), h("div", { class: "maps" }, kinds.map((kind) => new Plot(view, kind, maps[kind], choose).element)));
}

class Plot {
  constructor(view, kind, map, choose) {
    Object.assign(this, { view, kind, map, choose, by: "group", at: -1 });
    this.points = placed(map.xy);
    this.canvas = h("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "img", "aria-label": say(`maps.${kind}_label`, { n: map.xy.length }), "aria-describedby": `map-${kind}` });
    this.frame = h("img", { alt: "", hidden: true, width: 112, height: 112 });
    this.words = h("p", { class: "fine under", id: `map-${kind}`, role: "status" }, say("maps.rest"));
    this.legend = h("div");
    const modes = ["group", "subject", "time", ...(map.motif ? ["motif"] : [])];
    this.modes = modes.map((mode) => button(say(`maps.by_${mode}`), () => this.colour(mode), { class: "tab", "aria-pressed": String(mode === "group") }));
    this.element = h("figure", { class: "card map" }, h("figcaption", {}, h("h3", {}, say(`maps.${kind}`))), h("div", { class: "row tabs", role: "group", "aria-label": say("maps.colour") }, this.modes), this.legend, h("div", { class: "plane" }, this.canvas, this.frame), this.words);
    this.names = modes;
    this.listen();
    this.colour("group");
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  colour(mode) {
    this.by = mode;
    this.modes.forEach((made, index) => made.setAttribute("aria-pressed", String(this.names[index] === mode)));
    const subjects = [...new Set(this.map.subject)], motifs = [...new Set(this.map.motif ?? [])].sort((a, b) => a - b);
    const times = this.shares();
    const kinds = { group: (i) => this.view.classes(this.map.group[i]), subject: (i) => `g${subjects.indexOf(this.map.subject[i]) % 6}`, motif: (i) => `g${(this.map.motif[i] - 1) % 6}`, time: (i) => Math.min(4, Math.floor(5 * times[i])) };
    this.kindOf = kinds[mode];
    const legends = { group: () => groupKeys(this.view), subject: () => h("p", { class: "legend" }, subjects.map((name, i) => keyOf(name, `g${i % 6}`))), motif: () => h("p", { class: "legend" }, motifs.map((n) => keyOf(say("motifs.motif", { n }), `g${(n - 1) % 6}`))), time: () => h("p", { class: "legend" }, say("maps.time_words")) };
    show(this.legend, legends[mode]());
    this.draw();
  }

  /** How far into its recording each moment lies, 0 to 1. */
  shares() {
    const ends = new Map();
    this.map.recording.forEach((name, i) => { const [low, high] = ends.get(name) ?? [Infinity, -Infinity]; ends.set(name, [Math.min(low, this.map.time_s[i]), Math.max(high, this.map.time_s[i])]); });
    return this.map.recording.map((name, i) => { const [low, high] = ends.get(name); return high > low ? (this.map.time_s[i] - low) / (high - low) : 0; });
  }

  draw() {
    const pen = this.canvas.getContext("2d"), styles = getComputedStyle(document.documentElement);
    const colours = Object.fromEntries(["ref", "g0", "g1", "g2", "g3", "g4", "g5"].map((name) => [name, styles.getPropertyValue(`--${name}`)]));
    pen.clearRect(0, 0, SIZE, SIZE);
    pen.globalAlpha = 0.62;
    this.points.forEach(([x, y], i) => {
      const kind = this.kindOf(i);
      pen.fillStyle = typeof kind === "number" ? TIMES[kind] : colours[kind];
      pen.beginPath();
      pen.arc(x, y, 4, 0, 2 * Math.PI);
      pen.fill();
    });
    pen.globalAlpha = 1;
    if (this.at < 0) return;
    pen.strokeStyle = styles.getPropertyValue("--ink");
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(...this.points[this.at], 9, 0, 2 * Math.PI);
    pen.stroke();
  }

  listen() {
    const find = (event) => {
      const { left, top, width } = this.canvas.getBoundingClientRect();
      this.point(nearest(this.points, ((event.clientX - left) * SIZE) / width, ((event.clientY - top) * SIZE) / width));
    };
    this.canvas.addEventListener("pointermove", find);
    this.canvas.addEventListener("pointerdown", find);
    this.canvas.addEventListener("pointerleave", () => this.point(-1));
    this.canvas.addEventListener("click", () => { if (this.at >= 0) this.choose(this.map.recording[this.at], this.map.time_s[this.at]); });
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) this.point((this.at + step + this.points.length) % this.points.length);
      else if (event.key === "Enter" && this.at >= 0) this.choose(this.map.recording[this.at], this.map.time_s[this.at]);
      else return;
      event.preventDefault();
    });
  }

  point(index) {
    if (index === this.at) return;
    this.at = index;
    this.draw();
    this.frame.hidden = index < 0;
    this.canvas.classList.toggle("pointing", index >= 0);
    if (index < 0) { this.words.textContent = say("maps.rest"); return; }
    const { recording, time_s: times, subject, group, motif } = this.map, [x, y] = this.points[index];
    const time = times[index];
    this.words.textContent = say("maps.moment", { subject: subject[index], group: group[index], time: seconds(time), motif: motif ? say("maps.of_motif", { n: motif[index] }) : "" });
    this.frame.src = `/api/v1/runs/${part(this.view.run.id)}/recordings/${part(recording[index])}/crop.jpg?t=${time.toFixed(3)}`;
    this.frame.style.left = `${(100 * x) / SIZE}%`;
    this.frame.style.top = `${(100 * y) / SIZE}%`;
    this.frame.className = `${x > SIZE / 2 ? "left" : ""} ${y > SIZE / 2 ? "above" : ""}`;
  }
}

function placed(xy) {
  const range = (axis) => { const values = xy.map((point) => point[axis]); return [Math.min(...values), Math.max(...values)]; };
  const [[x0, x1], [y0, y1]] = [range(0), range(1)];
  const scale = (SIZE - 2 * EDGE) / Math.max(x1 - x0, y1 - y0, 1e-9);
  return xy.map(([x, y]) => [SIZE / 2 + (x - (x0 + x1) / 2) * scale, SIZE / 2 - (y - (y0 + y1) / 2) * scale]);
}

function nearest(points, x, y) {
  let best = NEAR * NEAR, found = -1;
  points.forEach(([px, py], i) => { const far = (px - x) ** 2 + (py - y) ** 2; if (far < best) { best = far; found = i; } });
  return found;
}
