// One video with its own buttons below it (the browser's cover a small picture): play, place, speed, larger.

import { button, h } from "./dom.js";
import { seconds } from "./format.js";
import { say } from "./say.js";

const SPEEDS = [1, 0.5, 0.25];
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  /** `moved(time)` is called with the time of the clip as it plays or is moved. */
  constructor(moved) {
    this.moved = moved;
    this.speed = 1;
    this.video = h("video", { muted: true, playsinline: true, loop: true, preload: "auto" });
    this.video.muted = true;
    this.panels = h("div", { class: "panels", "aria-hidden": "true" });
    this.play = button(say("player.play"), () => this.toggle(), { class: "small play" });
    this.scrub = h("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": say("player.place") });
    this.rate = button(say("player.speed", { speed: "1" }), () => this.slower(), { class: "small", "aria-label": say("player.speed_label", { speed: "1" }) });
    this.time = h("span", { class: "fine time" });
    const larger = button(say("player.larger"), () => this.frame.requestFullscreen?.(), { class: "small" });
    this.whose = h("p", { class: "fine whose" });
    this.frame = h("div", { class: "frame" }, this.whose, this.panels, this.video);
    this.element = h("div", { class: "player" }, this.frame, h("div", { class: "bar" }, this.play, this.scrub, this.time, this.rate, larger));
    this.listen();
  }

  listen() {
    const follow = () => { this.moved(this.video.currentTime); this.draw(); if (!this.video.paused) requestAnimationFrame(follow); };
    this.video.addEventListener("play", follow);
    this.video.addEventListener("seeked", () => { this.moved(this.video.currentTime); this.draw(); });
    for (const name of ["play", "pause"]) this.video.addEventListener(name, () => { this.play.textContent = this.video.paused ? say("player.play") : say("player.pause"); });
    this.video.addEventListener("loadedmetadata", () => { this.video.playbackRate = this.speed; if (this.wanted) this.video.currentTime = this.wanted; this.wanted = 0; this.draw(); });
    this.video.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => { this.video.pause(); if (this.video.duration) this.video.currentTime = (this.video.duration * this.scrub.value) / 1000; });
  }

  draw() {
    if (!this.video.duration) return;
    this.scrub.value = (1000 * this.video.currentTime) / this.video.duration;
    this.scrub.setAttribute("aria-valuetext", seconds(this.video.currentTime));
    this.time.textContent = `${this.video.currentTime.toFixed(1)} / ${seconds(this.video.duration)}`;
  }

  /** Show nothing: what is to be shown next is not here yet, and what was shown is of somebody else. */
  clear() {
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.removeAttribute("aria-label");
    this.video.load();
    this.panels.hidden = true;
    this.whose.textContent = this.time.textContent = "";
    this.wanted = this.scrub.value = 0;
  }

  /** Show another clip, of whom `whose` says; `panels` names its parts from left to right. Plays by itself unless reduced motion is wished. */
  load(url, whose, label, panels, plays = true) {
    this.whose.textContent = whose;
    this.name(label, panels);
    if (this.video.getAttribute("src") === url) return;
    this.video.src = url;
    if (plays && !still.matches) this.start();
  }

  /** What is shown, and its parts from left to right. */
  name(label, panels) {
    this.panels.replaceChildren(...panels.map((words) => h("span", {}, words)));
    this.panels.hidden = panels.length < 2;
    this.video.setAttribute("aria-label", label);
  }

  start() { this.video.play().catch(() => {}); }
  toggle() { if (this.video.paused) this.start(); else this.video.pause(); }

  /** Go to `time` of the clip, even before it is loaded. */
  seek(time) {
    if (this.video.readyState) this.video.currentTime = Math.max(0, time);
    else this.wanted = Math.max(0, time);
  }

  slower() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    this.video.playbackRate = this.speed;
    const speed = { 1: "1", 0.5: "½", 0.25: "¼" }[this.speed];
    this.rate.textContent = say("player.speed", { speed });
    this.rate.setAttribute("aria-label", say("player.speed_label", { speed }));
  }
}
