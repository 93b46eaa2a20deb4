// The deviation over the time of a recording: a curve, the range that is usual in the reference, numbered peaks, a cursor
// that goes with the player. A click, a drag or the arrow keys ask for a moment.

import { button, h, show, svg } from "./dom.js";
import { number, seconds } from "./format.js";
import { say } from "./say.js";
import { scaleOf, ticks } from "./scale.js";

const STEPS = { ArrowRight: 0.2, ArrowLeft: -0.2, ArrowUp: 0.2, ArrowDown: -0.2, PageUp: 2, PageDown: -2 };

export class Timeline {
  /** `seek(time)` is called for a chosen moment, `toggle()` to play or pause; times in seconds of the recording. */
  constructor({ name, kind, windows, usual, peaks, seek, toggle }) {
    this.begin = windows[0]?.t_start_s ?? 0;
    this.end = Math.max(windows.at(-1)?.t_end_s ?? 0, this.begin + 0.01);
    this.up = scaleOf([...windows.map((one) => one.deviation), ...(usual ?? [])]);
    this.cursor = h("i", { class: "cursor", hidden: true });
    this.covered = h("i", { class: "covered", hidden: true });
    this.peaks = peaks.map((peak, place) => ({ time: peak.time_s, made: this.peak(peak, place, seek) }));
    this.area = h("div", { class: `area ${kind}`, role: "slider", tabindex: 0, "aria-label": say("timeline.label", { name }), "aria-valuemin": this.begin, "aria-valuemax": number(this.end), "aria-valuenow": this.begin, "aria-valuetext": seconds(this.begin) },
      this.drawing(windows, usual), this.covered, this.cursor);
    this.element = h("figure", { class: "timeline" },
      h("figcaption", {}, h("span", {}, say("timeline.title")), usual ? h("span", { class: "key band" }, h("i"), say("timeline.usual")) : null, h("span", { class: "key cover" }, h("i"), say("timeline.covered"))),
      h("div", { class: "chart" }, this.levels(), h("div", { class: "peaks" }, this.peaks.map(({ made }) => made)), this.area, this.marks()));
    this.listen(seek, toggle);
  }

  share(time) { return `${Math.max(0, Math.min(100, (100 * (time - this.begin)) / (this.end - this.begin)))}%`; }
  down(value) { return 100 - this.up.percent(value); }

  peak(peak, place, seek) {
    return button(String(place + 1), () => seek(peak.time_s, true), { class: "peak", style: { left: this.share(peak.time_s) }, "aria-label": say("timeline.peak", { n: place + 1, time: seconds(peak.time_s) }) });
  }

  drawing(windows, usual) {
    const x = (time) => (1000 * (time - this.begin)) / (this.end - this.begin);
    const points = windows.filter((one) => Number.isFinite(one.deviation)).map((one) => `${x((one.t_start_s + one.t_end_s) / 2).toFixed(1)} ${this.down(one.deviation).toFixed(2)}`);
    const curve = points.length ? `M${points.join("L")}` : "";
    return svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" },
      usual ? svg("rect", { class: "band", x: 0, width: 1000, y: this.down(usual[1]), height: Math.max(0.5, this.down(usual[0]) - this.down(usual[1])) }) : null,
      ticks(this.up, 3).map((value) => svg("line", { class: "grid", x1: 0, x2: 1000, y1: this.down(value), y2: this.down(value) })),
      points.length > 1 ? svg("path", { class: "under", d: `${curve}L${points.at(-1).split(" ")[0]} 100L${points[0].split(" ")[0]} 100Z` }) : null, svg("path", { class: "curve", d: curve }));
  }

  /** Mark the moments (s) of which somebody said something. */
  remark(times) {
    for (const one of this.area.querySelectorAll(".remark")) one.remove();
    this.area.append(...times.map((time) => h("i", { class: "remark", style: { left: this.share(time) } })));
  }

  levels() {
    return h("div", { class: "levels", "aria-hidden": "true" }, ticks(this.up, 3).map((value) => h("span", { style: { top: `${this.down(value)}%` } }, String(value))));
  }

  marks() {
    return h("div", { class: "axis", "aria-hidden": "true" }, ticks({ low: this.begin, high: this.end }, 6).map((time) => h("span", { style: { left: this.share(time) } }, `${time} s`)));
  }

  listen(seek, toggle) {
    const at = (event) => { const { left, width } = this.area.getBoundingClientRect(); return this.begin + ((this.end - this.begin) * (event.clientX - left)) / width; };
    const inside = (time) => Math.max(this.begin, Math.min(this.end, time));
    this.area.addEventListener("pointerdown", (event) => { this.area.setPointerCapture(event.pointerId); seek(inside(at(event))); });
    this.area.addEventListener("pointermove", (event) => { if (this.area.hasPointerCapture(event.pointerId)) seek(inside(at(event))); });
    this.area.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step) seek(inside((this.now ?? this.begin) + step));
      else if (event.key === "Home") seek(this.begin);
      else if (event.key === "End") seek(this.end);
      else if (event.key === " " || event.key === "Enter") toggle();
      else return;
      event.preventDefault();
    });
  }

  /** Put the cursor at `time` (s). */
  place(time) {
    this.now = time;
    this.cursor.hidden = false;
    this.cursor.style.left = this.share(time);
    this.area.setAttribute("aria-valuenow", number(time));
    this.area.setAttribute("aria-valuetext", seconds(time));
    for (const peak of this.peaks) peak.made.classList.toggle("now", Math.abs(peak.time - time) < 0.12);
  }

  /** Mark what the clip that is shown covers, from and to in seconds, or nothing. */
  cover(from, to) {
    const known = Number.isFinite(from) && Number.isFinite(to);
    this.covered.hidden = !known;
    if (known) { this.covered.style.left = this.share(from); this.covered.style.width = `calc(${this.share(to)} - ${this.share(from)})`; }
  }
}
