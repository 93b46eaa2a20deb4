// The factor: 0 is the twin, 1 the recording as it is, 2 the deviation doubled. A clip with layers follows the slider; of
// another, letting go of the slider renders the clip, in one of several layouts, or with the looks of another recording.

import { bar, button, h, show } from "./dom.js";
import { left, number, percent, seconds } from "./format.js";
import { LIVE } from "./live.js";
import { say } from "./say.js";

const LAYOUTS = ["side-by-side", "magnified", "twin", "overlay", "strip", "transfer"];
const FREE = ["side-by-side", "magnified", "strip"]; // the others show the twin or another's looks, whatever the factor
const AROUND = 2;

export class Magnifier {
  /** `others(recording)` are those whose looks may be lent: [{recording_id, subject, group}]; `ready(clip)` shows a clip, `turned()` another factor of its layers. */
  constructor(clips, others, ready, turned) {
    Object.assign(this, { clips, others, ready, turned, clip: null, layered: null });
    this.slider = h("input", { type: "range", id: "factor", min: 0, max: 4, step: 0.5, value: 2, list: "factors" });
    this.words = h("output", { for: "factor" });
    this.layout = h("select", { id: "layout" }, LAYOUTS.map((name) => h("option", { value: name }, say(`magnifier.${name.replaceAll("-", "_")}`))));
    this.looks = h("select", { id: "looks" });
    this.looksField = h("div", { class: "layout", hidden: true }, h("label", { for: "looks" }, say("magnifier.looks")), this.looks);
    this.progress = h("div", { class: "rendering", role: "status", hidden: true });
    this.element = h("div", { class: "magnifier" }, h("div", { class: "factor" }, h("label", { for: "factor" }, say("magnifier.factor")), this.slider, this.words),
      h("div", { class: "layout" }, h("label", { for: "layout" }, say("magnifier.layout")), this.layout), this.looksField, this.progress);
    this.slider.addEventListener("input", () => { this.say(); if (this.live) this.turned(); });
    this.slider.addEventListener("change", () => { if (!this.live) this.want(); });
    this.layout.addEventListener("change", () => this.lay());
    this.looks.addEventListener("change", () => this.want());
    this.say();
  }

  say() {
    const factor = Number(this.slider.value), free = FREE.includes(this.layout.value);
    this.slider.disabled = !free;
    this.slider.step = this.layered ? 0.1 : 0.5;
    this.looksField.hidden = this.layout.value !== "transfer";
    const words = !free ? say("magnifier.no_factor") : factor === 0 ? say("magnifier.is_twin") : factor < 1 ? say("magnifier.less", { factor }) : factor === 1 ? say("magnifier.is_recording") : say("magnifier.more", { factor });
    this.words.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
  }

  /** Whether what is shown follows the slider. */
  get live() { return Boolean(this.clip?.layers && LIVE[this.layout.value]); }

  /** Another layout: of the layers at once, else a clip. */
  lay() {
    if (LIVE[this.layout.value] && this.layered) this.clip = this.layered;
    this.say();
    if (this.live) this.ready(this.clip); else this.want();
  }

  open(recording, clip) {
    Object.assign(this, { recording, clip, layered: clip?.layers ? clip : null, time: undefined });
    this.clips.wish += 1;
    this.progress.hidden = true;
    this.slider.value = clip?.factor ?? 2;
    this.layout.value = clip?.layout ?? "side-by-side";
    show(this.looks, this.others(recording).map((row) => h("option", { value: row.recording_id }, `${row.subject} (${row.group})`)));
    this.say();
  }

  /** Render around this moment of the recording (s). */
  around(time) {
    this.time = time;
    this.want();
  }

  wish() {
    const wish = { recording_id: this.recording, factor: FREE.includes(this.layout.value) ? Number(this.slider.value) : 0, layout: this.layout.value };
    if (wish.layout === "transfer") wish.appearance = this.looks.value;
    return wish;
  }

  /** The clip of this factor and layout, where there is one. */
  file() { return this.clips.find(this.wish(), this.time ?? this.clip?.facts?.from_s); }

  /** Show the clip with this factor and layout, rendering it first where there is none yet. */
  async want() {
    const clip = await this.make();
    if (clip) this.use(clip);
  }

  /** The clip with this factor and layout, rendered where there is none yet; nothing when it failed or another was wished. */
  async make() {
    const wish = this.wish(), found = this.clips.find(wish, this.time);
    if (found) { this.clips.wish += 1; this.progress.hidden = true; return found; }
    if (this.time !== undefined) Object.assign(wish, { from_s: Math.max(0, this.time - AROUND), to_s: this.time + AROUND });
    else if (this.clip?.facts?.from_s !== undefined) Object.assign(wish, { from_s: this.clip.facts.from_s, to_s: this.clip.facts.to_s });
    const began = performance.now();
    this.draw({}, began);
    const clip = await this.clips.render(wish, (job) => this.draw(job, began));
    if (clip !== undefined) this.progress.hidden = true;
    return clip;
  }

  use(clip) {
    this.clip = clip;
    if (clip.layers) this.layered = clip;
    this.time = undefined;
    this.say();
    this.ready(clip);
  }

  draw(job, began) {
    const share = job.fraction ?? 0;
    const words = [say("magnifier.rendering", { factor: number(this.slider.value, 1) }), percent(share), left(job.eta_s ?? NaN) || say("magnifier.for", { time: seconds((performance.now() - began) / 1000) })];
    this.progress.hidden = false;
    if (!this.progressBar) this.progressBar = bar(0, say("magnifier.progress"));
    this.progressBar.value = share;
    show(this.progress, h("p", { class: "fine" }, words.join(" · ")), this.progressBar);
  }
}
