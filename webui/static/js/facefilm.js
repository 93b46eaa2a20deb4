// The film on which a face is hidden: scrub, drag a box at some moments, and the box moves evenly between them.

import { ready } from "./api.js";
import { button, h, show } from "./dom.js";
import { seconds } from "./format.js";
import { say } from "./say.js";

const SAME_S = 0.02, STILL_S = 10; // as far in as the picture of a long film is from

/** Where the face is at `time`: [x0, y0, x1, y1]; nothing without any moment. */
export function boxAt(keys, time) {
  if (!keys.length) return null;
  const later = keys.findIndex((key) => key[0] >= time);
  if (later <= 0) return (later < 0 ? keys.at(-1) : keys[0]).slice(1);
  const [before, after] = [keys[later - 1], keys[later]], share = (time - before[0]) / (after[0] - before[0]);
  return before.slice(1).map((side, place) => side + share * (after[place + 1] - side));
}

export class FaceFilm {
  /** `keys`: [time, x0, y0, x1, y1] one after the other; `moved()` is called when another moment or box is to be shown. */
  constructor(study, recording, keys, editable, moved) {
    Object.assign(this, { keys, editable, moved, length: recording.duration_s || 1 });
    this.url = `/api/v1/studies/${study}/recordings/${recording.id}/video`;
    this.video = h("video", { muted: true, playsinline: true, preload: "auto", hidden: true, "aria-label": recording.file_name });
    this.video.muted = true;
    this.scrub = h("input", { type: "range", min: 0, max: 1000, step: 1, value: 0, id: "face-scrub", "aria-label": say("box.place"), disabled: true });
    this.clock = h("span", { class: "fine time" });
    this.play = button(say("player.play"), () => { if (this.video.paused) this.video.play().catch(() => {}); else this.video.pause(); }, { class: "small play", disabled: true });
    this.moments = h("ul", { class: "moments", "aria-label": say("box.moments") });
    this.said = h("p", { class: "fine", role: "status" });
    this.element = h("div", { class: "facefilm" }, h("div", { class: "bar" }, this.play, this.scrub, this.clock), this.moments, this.said);
    this.listen();
    this.draw();
  }

  /** The moment that is shown: of the film, or until it is there of the picture from its middle. */
  get time() { return this.video.readyState ? this.video.currentTime : Math.min(this.length / 2, STILL_S); }

  listen() {
    const follow = () => { this.tick(); if (!this.video.paused) requestAnimationFrame(follow); };
    this.video.addEventListener("play", follow);
    this.video.addEventListener("seeked", () => this.tick());
    for (const name of ["play", "pause"]) this.video.addEventListener(name, () => { this.play.textContent = say(this.video.paused ? "player.play" : "player.pause"); });
    this.video.addEventListener("loadeddata", () => { this.video.hidden = this.scrub.disabled = this.play.disabled = false; this.said.textContent = ""; this.tick(); });
    this.scrub.addEventListener("input", () => { this.video.pause(); this.video.currentTime = (this.video.duration * this.scrub.value) / 1000; });
  }

  /** Have the film brought; it is made when it is first asked for. */
  async open(wanted) {
    if (this.asked) return;
    this.asked = true;
    this.said.textContent = say("box.film_soon");
    try {
      if (await ready(this.url, () => {}, wanted)) this.video.src = this.url;
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  tick() {
    if (this.video.duration) {
      this.length = this.video.duration;
      this.scrub.value = (1000 * this.time) / this.video.duration;
      this.scrub.setAttribute("aria-valuetext", seconds(this.time));
      this.clock.textContent = `${this.time.toFixed(1)} / ${seconds(this.video.duration)}`;
    }
    this.moved();
  }

  /** The box of this moment. */
  set(box) {
    this.video.pause();
    const time = Math.round(1000 * this.time) / 1000;
    this.keys = [...this.keys.filter((key) => Math.abs(key[0] - time) > SAME_S), [time, ...box]].sort((a, b) => a[0] - b[0]);
    this.draw();
  }

  /** The last moment up to the one that is shown, or the first. */
  get near() { return this.keys.findLast((key) => key[0] <= this.time + SAME_S) ?? this.keys[0]; }

  clear() {
    this.keys = this.keys.filter((key) => key !== this.near);
    this.draw();
  }

  draw() {
    const go = (time) => { this.video.pause(); if (this.video.readyState) this.video.currentTime = time; };
    show(this.moments, this.keys.map((key) => h("li", {}, button(seconds(key[0]), () => go(key[0]), { class: "small", "aria-label": say("box.moment", { time: seconds(key[0]) }) }))));
    this.moved();
  }

  stop() { this.video.pause(); }
}
