// The films of a patient: two visits in phase or each by itself, and the magnified film of one visit.

import { get, part, ready } from "./api.js";
import { attempt, complain } from "./dialogs.js";
import { Clips } from "./clips.js";
import { byId, h, show } from "./dom.js";
import { date, number, percent } from "./format.js";
import { Player } from "./player.js";
import { say } from "./say.js";

const AROUND = 2, FACTORS = [1.5, 2, 3, 4];
const films = [byId("before-film"), byId("after-film")], choices = [byId("before"), byId("after")];

export class VisitFilms {
  constructor() {
    this.phase = new Player(() => {});
    this.magnified = new Player(() => {});
    byId("phase-film").append(this.phase.element);
    byId("magnified-film").append(this.magnified.element);
    show(byId("visit-factor"), FACTORS.map((factor) => h("option", { value: factor, selected: factor === 2 }, `× ${factor}`)));
    for (const select of choices) select.addEventListener("change", () => this.beside());
    for (const mode of ["phase", "apart"]) byId(`mode-${mode}`).addEventListener("click", () => this.setMode(mode));
    for (const id of ["visit", "visit-factor"]) byId(id).addEventListener("change", () => this.magnify(false));
    byId("magnify-visit").addEventListener("click", () => this.magnify(true));
    byId("play").addEventListener("click", () => this.playBoth());
  }

  /** The visits of a comparison, with the clips that are there. */
  open(run, visits, clips) {
    Object.assign(this, { run, clips: new Clips({ id: run }, clips), magnifying: new Clips({ id: run }, clips) });
    this.of = new Map(visits.map((one) => [one.recordings[0], date(one.date)]));
    const options = () => visits.map((one) => h("option", { value: one.recordings[0] }, date(one.date)));
    for (const select of [...choices, byId("visit")]) show(select, options());
    choices[0].selectedIndex = 0;
    choices[1].selectedIndex = byId("visit").selectedIndex = visits.length - 1;
    if (visits.length > 1) this.setMode("phase");
    this.magnify(false);
  }

  setMode(mode) {
    this.mode = mode;
    for (const name of ["phase", "apart"]) byId(`mode-${name}`).setAttribute("aria-pressed", String(name === mode));
    this.beside();
  }

  names() { return choices.map((select) => select.value); }

  async beside() {
    const [before, after] = this.names(), phase = this.mode === "phase" && before !== after;
    byId("phase-film").hidden = !phase;
    byId("apart-films").hidden = phase;
    byId("beside-words").textContent = say(phase ? "patient.phase_words" : "patient.beside_words");
    this.phase.clear();
    this.phase.element.hidden = true;
    this.clips.wish += 1;
    if (phase) { await this.inPhase(before, after); return; }
    this.stop();
    this.names().forEach((_, place) => this.film(place));
  }

  async inPhase(before, after) {
    const wish = { recording_id: before, appearance: after, layout: "in-phase", factor: 0 };
    const clip = this.clips.find(wish) ?? await this.clips.render(wish, (job) => this.tell("phase", say("patient.matching", { share: percent(job.fraction) })));
    const wanted = this.mode === "phase" && this.names().join() === [before, after].join();
    if (clip === null && wanted) { this.tell("phase", ""); this.setMode("apart"); }
    if (!clip || !wanted) return;
    this.tell("phase", say("patient.leaps", { n: clip.facts.leaps ?? 0 }));
    this.phase.element.hidden = false;
    const names = [before, after].map((name) => this.of.get(name));
    this.phase.load(clip.url, "", say("patient.phase_label", { before: names[0], after: names[1] }), names, false);
  }

  tell(where, words) { byId(`${where}-state`).textContent = words; }

  /** Put the film of the chosen visit into its place; nothing of another visit stays there meanwhile. */
  async film(place) {
    const video = films[place], name = choices[place].value, url = `/api/v1/runs/${part(this.run)}/recordings/${part(name)}/preview.mp4`;
    video.removeAttribute("src");
    video.load();
    const wanted = () => choices[place].value === name && this.mode === "apart";
    if (await attempt(() => ready(url, () => {}, wanted)) && wanted()) {
      video.src = url;
      video.setAttribute("aria-label", this.of.get(name));
    }
  }

  stop() {
    for (const one of films) one.pause();
    byId("play").textContent = say("player.play");
  }

  playBoth() {
    const start = films[0].paused;
    for (const one of films) { if (start) { one.currentTime = 0; one.play().catch(() => {}); } else one.pause(); }
    byId("play").textContent = say(start ? "player.pause" : "player.play");
  }

  /** The magnified film of the chosen visit around its most deviant moment; `made`: have it rendered where there is none. */
  async magnify(made) {
    const name = byId("visit").value, factor = Number(byId("visit-factor").value), wish = { recording_id: name, factor, layout: "side-by-side" };
    const wanted = () => byId("visit").value === name && Number(byId("visit-factor").value) === factor;
    this.magnifying.wish += 1;
    this.magnified.clear();
    const found = this.magnifying.find(wish);
    this.tell("magnified", "");
    byId("magnify-visit").hidden = Boolean(found);
    this.magnified.element.hidden = !found;
    if (!found && !made) return;
    const clip = found ?? await this.render(wish);
    if (!clip || !wanted()) return;
    byId("magnify-visit").hidden = true;
    this.magnified.element.hidden = false;
    this.tell("magnified", this.measured(clip.facts));
    const panels = [say("viewer.twin"), say("viewer.recording"), say("viewer.magnified", { factor })];
    this.magnified.load(clip.url, "", say("viewer.label_clip", { name: this.of.get(name), factor }), panels, made);
  }

  async render(wish) {
    byId("magnify-visit").disabled = true;
    try {
      const windows = await get(`runs/${part(this.run)}/recordings/${part(wish.recording_id)}/windows`);
      const peak = windows.filter((one) => Number.isFinite(one.deviation ?? NaN)).sort((a, b) => b.deviation - a.deviation)[0];
      const middle = peak ? (peak.t_start_s + peak.t_end_s) / 2 : AROUND;
      return await this.magnifying.render({ ...wish, from_s: Math.max(0, middle - AROUND), to_s: middle + AROUND }, (job) => this.tell("magnified", say("patient.magnifying", { share: percent(job.fraction) })));
    } catch (error) {
      complain(error);
      return null;
    } finally {
      byId("magnify-visit").disabled = false;
    }
  }

  measured(facts) {
    const words = [say("viewer.shown", { from: `${number(facts.from_s, 1)} s`, to: `${number(facts.to_s, 1)} s` })];
    if (Number.isFinite(facts.factor_measured ?? NaN)) words.push(say("viewer.dose", { factor: facts.factor, measured: number(facts.factor_measured, 1), moved: number(facts.factor_geometric ?? facts.factor_measured, 1) }));
    if (facts.marked_frames > 0) words.push(say("viewer.not_trusted", { count: facts.marked_frames, frames: facts.frames }));
    return words.join(" ");
  }
}
