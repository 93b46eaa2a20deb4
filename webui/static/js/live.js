// The factor at once: a clip's layers are fetched once and its subject is moved in the browser, whatever the factor.

import { get } from "./api.js";
import { h } from "./dom.js";
import { painter } from "./warp.js";

export const LIVE = { "side-by-side": ["twin", "recording", "magnified"], magnified: ["magnified"], twin: ["twin"] };
const GAP = 4; // pixels between panels

export class Live {
  /** Draws what `video` shows, the film of layers, onto `canvas`. */
  constructor(video) {
    Object.assign(this, { video, canvas: h("canvas", { class: "live", "aria-hidden": "true", hidden: true }), facts: null, factor: 2, layout: "side-by-side", index: -1 });
    // A film that is not in sight is loaded, and the browser calls for none of its frames.
    if (video.requestVideoFrameCallback) { this.follow(); video.addEventListener("loadeddata", () => { if (this.index < 0) this.show(video.currentTime); }); }
    else for (const name of ["timeupdate", "seeked", "loadeddata"]) video.addEventListener(name, () => this.show(this.video.currentTime));
  }

  follow() {
    this.video.requestVideoFrameCallback((_, { mediaTime }) => { this.show(mediaTime); this.follow(); });
  }

  /** Fetch the displacements of the layers at this address of the API; false when something else was wanted meanwhile. */
  async open(address) {
    this.wanted = address;
    const facts = await get(`${address}.json`);
    if (this.wanted !== address) return false;
    const bytes = atob(facts.flow), flow = new Int8Array(bytes.length);
    for (let i = 0; i < bytes.length; i += 1) flow[i] = bytes.charCodeAt(i);
    this.facts = { ...facts, flow };
    this.canvas.hidden = false;
    this.resize();
    return true;
  }

  close() {
    this.wanted = this.facts = this.painter = null;
    this.canvas.hidden = true;
  }

  resize() {
    const panels = LIVE[this.layout].length, [width, height] = this.facts.size;
    this.index = -1;
    this.canvas.width = panels * width + (panels - 1) * GAP;
    this.canvas.height = height;
    this.painter ??= painter(this.canvas, this.facts);
  }

  set(factor, layout) {
    const panels = LIVE[layout] !== LIVE[this.layout];
    Object.assign(this, { factor, layout });
    if (!this.facts) return;
    if (panels) this.resize();
    if (this.index < 0) this.show(this.video.currentTime); // nothing is painted yet, and the browser may call late
    else this.paint(LIVE[layout].filter((name) => name === "magnified")); // the others are the same at every factor
  }

  /** Show the frame at this time of the film (s). */
  show(time) {
    if (!this.facts || this.video.readyState < 2) return;
    const { flow, fps, grid: [w, high] } = this.facts, last = flow.length / (2 * w * high) - 1;
    this.index = Math.max(0, Math.min(last, Math.round(time * fps)));
    this.painter.take(this.video, flow.subarray(2 * w * high * this.index, 2 * w * high * (this.index + 1)));
    this.paint();
  }

  /** Paint the panels of these names; the others stay as they are. */
  paint(names = LIVE[this.layout]) {
    if (this.index < 0) return;
    const { size: [width], step, heights } = this.facts, factors = { twin: 0, recording: 1, magnified: this.factor };
    for (const name of names) this.painter.paint(LIVE[this.layout].indexOf(name) * (width + GAP), (1 - factors[name]) * step, { marked: name === "magnified", height: heights[this.index] });
  }
}
