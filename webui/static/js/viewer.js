// The film of one subject: its clip or recording above the deviation over time, the factor to move, and the nearest
// moments of the reference beside each peak.

import { get, part, ready } from "./api.js";
import { attempt, tell } from "./dialogs.js";
import { button, h, link, show } from "./dom.js";
import { Clips } from "./clips.js";
import { Comments } from "./comments.js";
import { Magnifier } from "./magnifier.js";
import { Live } from "./live.js";
import { seconds } from "./format.js";
import { Player } from "./player.js";
import { showEvidence } from "./evidence.js";
import { along } from "./scale.js";
import { say } from "./say.js";
import { Timeline } from "./timeline.js";

const PANELS = { "side-by-side": ["viewer.twin", "viewer.recording", "viewer.magnified"], magnified: ["viewer.magnified"], twin: ["viewer.twin"], overlay: ["viewer.marked"], transfer: ["viewer.lent"] };

/** Whose film is shown, and which; a recording that is named after its subject is said once. */
const whose = (row, id, name = row.file_name ?? id) => name === row.subject ? name : say("viewer.whose", { subject: row.subject, name });

export class Viewer {
  constructor(view, place) {
    Object.assign(this, { view, place, clips: new Clips(view.run, view.clips), shown: () => {} });
    this.player = new Player((time) => this.moved(time));
    const others = (id) => view.recordings.filter((row) => row.recording_id !== id && row.status !== "failed").sort((a, b) => (b.group === view.reference) - (a.group === view.reference));
    this.live = new Live(this.player.video);
    this.player.video.after(this.live.canvas);
    this.live.canvas.addEventListener("click", () => this.player.toggle());
    this.magnifier = new Magnifier(this.clips, others, (clip) => this.showClip(clip), () => this.turn());
    this.strip = h("figure", { class: "strip", hidden: true });
    this.save = h("p", { class: "row fine" });
    const copy = button(say("viewer.link"), async () => { history.replaceState(null, "", this.address()); await navigator.clipboard?.writeText(location.href); tell(say("viewer.link_copied")); }, { class: "small" });
    this.player.element.querySelector(".bar").append(copy);
    this.tabs = ["clip", "recording"].map((mode) => button(say(`viewer.tab_${mode}`), () => this.setMode(mode), { class: "tab", "aria-pressed": "false" }));
    this.title = h("h2", { id: "viewer-title" });
    place.setAttribute("aria-labelledby", "viewer-title");
    this.group = h("span", { class: "key" });
    this.sentence = h("p", { class: "read" });
    this.parts = h("p", { class: "fine read" });
    this.choice = h("div", { class: "row tabs" });
    this.caption = h("p", { class: "fine caption" });
    this.below = h("div");
    this.comments = new Comments(view.run, { seek: (time) => this.seek(time), now: () => this.timeline?.now ?? 0 });
    this.evidence = h("div", { class: "evidence" });
    show(place, h("header", {}, this.title, this.group), this.sentence, this.parts, this.choice, h("div", { class: "row tabs", role: "group", "aria-label": say("viewer.what") }, this.tabs), this.strip, this.player.element, this.magnifier.element, this.caption, this.save, this.below, this.comments.element, this.evidence);
  }

  /** Show a subject: its most deviant recording first. */
  show(subject, recording) {
    const rows = this.view.recordings.filter((row) => row.subject === subject.subject && row.group === subject.group && row.status !== "failed");
    const order = rows.sort((a, b) => Number(b.deviation ?? 0) - Number(a.deviation ?? 0));
    const kind = this.view.classes(subject.group);
    const words = (this.view.words.subjects ?? []).find((one) => one.subject === subject.subject && one.group === subject.group);
    this.place.className = `card viewer ${kind}`;
    this.title.textContent = subject.subject;
    show(this.group, h("i"), subject.group);
    this.sentence.textContent = words?.sentence ?? "";
    this.parts.textContent = (words?.parts ?? []).filter((one) => one.value).map((one) => say(`viewer.${one.name}`, { value: one.value, verdict: one.verdict ? `, ${one.verdict}` : "" })).join(" ");
    this.kind = kind;
    this.choice.hidden = order.length < 2;
    show(this.choice, order.map((row) => button(this.about(row), () => this.open(row), { class: "tab", "data-recording": row.recording_id, "aria-pressed": "false" })));
    const first = order.find((row) => row.recording_id === recording) ?? order[0];
    return first ? this.open(first) : null;
  }

  about(row) {
    const named = ["session", "day"].filter((name) => row[name]).map((name) => say(`viewer.${name}`, { value: row[name] }));
    return named.length ? named.join(", ") : row.file_name ?? row.recording_id;
  }

  async open(row) {
    this.row = row;
    const id = row.recording_id, base = `runs/${part(this.view.run.id)}/recordings/${part(id)}`;
    for (const made of this.choice.children) made.setAttribute("aria-pressed", String(made.dataset.recording === id));
    const clip = this.clips.of(id)[0];
    let refused = null;
    Object.assign(this, { timeline: null, clip: null, playing: null, pending: null, used: false });
    this.player.clear();
    this.live.close();
    this.asFilm(true);
    for (const place of [this.caption, this.strip, this.below, this.evidence]) show(place);
    this.magnifier.open(id, clip ?? null); // before the wait: a factor that is wished meanwhile stands
    const [windows, evidence] = await Promise.all([attempt(() => get(`${base}/windows`)), get(`${base}/evidence`).catch((error) => { refused = error.message; })]);
    if (this.row !== row) return;
    this.clock = evidence?.clock ?? [];
    const peaks = evidence?.peaks ?? [];
    this.timeline = new Timeline({ name: id, kind: this.kind, windows: windows ?? [], usual: this.view.words.usual ?? null, peaks, seek: (time, plays) => this.seek(time, plays), toggle: () => this.player.toggle() });
    show(this.below, refused ? h("p", { class: "note" }, refused) : null, windows?.length ? this.timeline.element : null);
    this.comments.open(id, this.timeline);
    showEvidence(this.evidence, peaks, row.subject, this.view.reference, (time) => this.seek(time, true));
    this.tabs[0].hidden = !clip && (!this.view.reference || this.view.run.kind === "score");
    this.setMode(this.magnifier.clip ? "clip" : "recording");
  }

  setMode(mode) {
    if (!this.timeline) return; // still opening
    this.mode = mode;
    this.tabs.forEach((tab, place) => tab.setAttribute("aria-pressed", String((place === 1) === (mode === "recording"))));
    this.magnifier.element.hidden = mode === "recording";
    if (mode === "recording") this.asFilm(true);
    if (mode === "rendering") return;
    if (mode === "recording") this.showRecording();
    else if (this.magnifier.clip) this.showClip(this.magnifier.clip);
    else this.magnifier.want();
  }

  async showRecording() {
    const row = this.row, id = row.recording_id, url = `/api/v1/runs/${part(this.view.run.id)}/recordings/${part(id)}/preview.mp4`;
    Object.assign(this, { clip: null, playing: null, pending: null });
    this.live.close();
    this.caption.textContent = "";
    this.timeline.cover();
    const began = performance.now(), wanted = () => this.row === row && this.mode === "recording";
    const tell = () => { if (wanted()) this.caption.textContent = say("viewer.preparing", { time: seconds((performance.now() - began) / 1000) }); };
    if (await attempt(() => ready(url, tell, wanted)) && wanted()) {
      if (performance.now() - began > 900) this.caption.textContent = "";
      this.player.load(url, whose(row, id), say("viewer.label_recording", { name: id }), [], false);
      this.playing = url;
      if (this.pending) this.go(this.pending.time, this.pending.plays);
    }
  }

  /** Film or figure: a strip stands in the player's place. */
  asFilm(film) {
    this.strip.hidden = film;
    this.player.element.hidden = !film;
    if (!film) this.player.video.pause();
    show(this.save);
  }

  showClip(clip) {
    if (!clip || clip.recording_id !== this.row.recording_id || !this.timeline) return;
    if (this.magnifier.live) { this.showLayers(clip); return; }
    this.live.close();
    const film = clip.layout !== "strip", facts = clip.facts ?? {};
    Object.assign(this, { clip, mode: "clip", playing: film ? clip.url : null, pending: null });
    this.asFilm(film);
    const file = (kind, url) => link(say(`magnifier.save_${kind}`), url, { download: `${clip.recording_id}-${clip.layout}-${clip.factor}.${kind === "clip" ? "mp4" : kind}` });
    show(this.save, film ? file("clip", clip.url) : [file("png", clip.url), file("svg", clip.url.replace(/png$/, "svg"))]);
    if (!film) {
      show(this.strip, h("img", { src: clip.url, alt: say("viewer.label_strip", { name: clip.recording_id, factor: clip.factor }) }));
      this.timeline.cover(facts.from_s, facts.to_s);
      this.caption.textContent = this.facts(clip);
      return;
    }
    const panels = (PANELS[clip.layout] ?? []).map((key) => say(key, { factor: Number(clip.factor), name: clip.appearance ?? "" }));
    this.player.load(clip.url, whose(this.row, clip.recording_id), say("viewer.label_clip", { name: clip.recording_id, factor: clip.factor }), panels);
    this.timeline.cover(facts.from_s, facts.to_s);
    this.caption.textContent = this.facts(clip);
  }

  /** The film of a clip's layers: the browser draws the picture at whatever factor. */
  async showLayers(clip) {
    const row = this.row, address = `/api/v1/${clip.layers}.mp4`, { facts = {} } = clip;
    Object.assign(this, { clip, mode: "clip", playing: address, pending: null });
    this.asFilm(true);
    this.timeline.cover(facts.from_s, facts.to_s);
    if (this.live.wanted === clip.layers) { this.turn(); return; }
    if (!await attempt(() => this.live.open(clip.layers)) || this.row !== row || this.playing !== address) return;
    this.player.load(address, whose(row, clip.recording_id), "", []);
    this.turn();
  }

  /** Another factor or layout of the layers that are shown. */
  turn() {
    const { factor, layout } = this.magnifier.wish(), name = this.clip.recording_id;
    this.live.set(factor, layout);
    this.player.name(say("viewer.label_clip", { name, factor }), PANELS[layout].map((key) => say(key, { factor })));
    const rendered = this.clip.layout === layout && Number(this.clip.factor) === factor, { from_s: from, to_s: to } = this.clip.facts ?? {};
    this.caption.textContent = [rendered ? this.facts(this.clip) : say("viewer.shown", { from: seconds(from), to: seconds(to) }), say("viewer.live")].join(" ");
    const file = this.magnifier.file(), clip = this.clip;
    const make = async () => { if (await this.magnifier.make() && this.clip === clip) this.turn(); };
    show(this.save, file ? link(say("magnifier.save_clip"), file.url, { download: `${name}-${layout}-${factor}.mp4` }) : button(say("magnifier.make_clip"), make, { class: "small" }));
  }

  facts({ facts = {}, url, recording_id }) {
    const own = url?.endsWith(`magnified/${recording_id}.mp4`) ? this.view.words.clips?.[recording_id] : null;
    if (own) return own.join(" ");
    const words = [];
    if (Number.isFinite(facts.from_s)) words.push(say("viewer.shown", { from: seconds(facts.from_s), to: seconds(facts.to_s) }));
    if (Number.isFinite(facts.factor_measured) && facts.factor !== 0) words.push(say("viewer.dose", { factor: facts.factor, measured: facts.factor_measured.toFixed(1), moved: (facts.factor_geometric ?? facts.factor_measured).toFixed(1) }));
    if (Number.isFinite(facts.agreement)) words.push(say("viewer.agreement", { share: Math.round(100 * facts.agreement) }));
    if (facts.marked_frames > 0) words.push(say("viewer.not_trusted", { count: facts.marked_frames, frames: facts.frames }));
    return words.join(" ");
  }

  /** A moment of the recording (s): in the clip when it covers it, else in the recording itself. */
  seek(time, plays = false) {
    if (!this.timeline) return; // still opening
    this.used = true;
    const { from_s: from, to_s: to } = this.clip?.facts ?? {};
    const covered = this.clip && this.clip.layout !== "strip" && from - 0.05 <= time && time <= to + 0.05;
    if (this.mode === "clip" && !covered) {
      this.setMode("recording");
      const offer = button(say("viewer.magnify_here"), () => { this.setMode("rendering"); this.magnifier.around(time); }, { class: "small" });
      show(this.caption, say("viewer.not_covered", { time: seconds(time) }), " ", offer);
    }
    this.timeline.place(time);
    if (this.playing) this.go(time, plays); else this.pending = { time, plays };
  }

  go(time, plays) {
    this.pending = null;
    this.player.seek(this.mode === "clip" ? time - (this.clip.facts?.from_s ?? 0) : along(this.clock, 0, 1, time));
    if (plays) this.player.start(); else this.player.video.pause();
  }

  moved(clipTime) {
    if (!this.timeline) return;
    const from = this.mode === "clip" ? this.clip?.facts?.from_s : undefined;
    this.timeline.place(from === undefined ? along(this.clock, 1, 0, clipTime) : from + clipTime);
  }

  /** Frames a second of what is shown. */
  rate() { return this.clip?.facts?.fps ?? this.row?.fps ?? 25; }

  /** The address of this page at the moment that is shown. */
  address() {
    const place = new URL(location.href);
    place.hash = new URLSearchParams({ recording: this.row.recording_id, t: (this.timeline?.now ?? 0).toFixed(2) });
    return place.href;
  }

  /** Clips that came since; the one of the subject that is shown is opened when nothing of it plays yet. */
  renew(clips) {
    const known = new Set(this.clips.clips.map((clip) => clip.url)), fresh = clips.filter((clip) => !known.has(clip.url));
    this.clips.clips.push(...fresh);
    if (this.row && !this.magnifier.clip && !this.used && this.player.video.paused && fresh.some((clip) => clip.recording_id === this.row.recording_id)) this.open(this.row);
  }

  /** From a map: the subject, its recording, and the moment. */
  async showMoment(recording, time) {
    const row = this.view.recordings.find((one) => one.recording_id === recording);
    if (!row) return;
    this.shown(row);
    if (this.row?.recording_id !== recording) await this.show(row, recording);
    if (this.row.recording_id !== recording) return; // somebody else was chosen meanwhile
    this.seek(time, true);
    this.place.scrollIntoView({ block: "start" });
  }
}
