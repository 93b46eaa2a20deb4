// What to compare with, how thorough, whether that is enough, and the start; below it the runs so far.

import { all, get, post } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, h, link, show } from "./dom.js";
import { moment, percent, seconds } from "./format.js";
import { poll } from "./poll.js";
import { startOnce } from "./startonce.js";
import { say, sayOr } from "./say.js";

const ORDER = ["quick", "standard", "thorough"];

export class Analysis {
  constructor({ study, editable, presets, busy }) {
    Object.assign(this, { study, editable, busy, reference: undefined, preset: "standard" });
    const names = (presets ?? ORDER).map((one) => one.name ?? one).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
    show(byId("presets"), names.map((name) => this.choice("preset", name, sayOr(`preset.${name}`, name), sayOr(`preset.${name}_words`, ""), name === this.preset)));
    byId("start").addEventListener("submit", (event) => { event.preventDefault(); this.start(); });
    byId("start-button").disabled = true;
    this.runs();
  }

  choice(name, value, title, words, checked) {
    const input = h("input", { type: "radio", name, value, checked, disabled: !this.editable, on: { change: () => { this[name] = value; } } });
    return h("label", { class: "choice" }, input, h("span", {}, h("b", {}, title), words ? h("span", { class: "fine" }, words) : null, name === "preset" ? h("span", { class: "fine", "data-takes": value }) : null));
  }

  async refresh() {
    const found = await attempt(() => get(`studies/${this.study}/check`));
    if (!found) return;
    const groups = found.groups.filter((group) => group.name);
    if (this.reference === undefined || (this.reference && !groups.some((group) => group.name === this.reference))) this.reference = found.reference_guess ?? undefined;
    show(byId("references"), groups.map((group) => this.choice("reference", group.name, group.name, this.size(group), group.name === this.reference)),
      this.choice("reference", "", say("start.none"), say("start.none_words"), this.reference === ""));
    const line = (kind) => (sentence) => h("li", { class: kind }, sentence);
    show(byId("enough"), found.problems.map(line("problem")), (found.doubts ?? []).map(line("doubt")), found.enough.map(line("good")));
    for (const place of byId("presets").querySelectorAll("[data-takes]")) place.textContent = this.takes(found, place.dataset.takes);
    this.allow(found, groups);
  }

  takes({ estimates, measured }, preset) {
    const time = seconds(60 * Math.max(1, Math.round((estimates[preset] ?? 0) / 60))).replace(/\s00\ss$/, "");
    return say(measured ? "start.takes" : "start.takes_two_cores", { time });
  }

  /** Columns that every recording fills may be cages, litters or sites. */
  blocks(recordings) {
    const usable = recordings.filter((one) => one.status !== "failed"), columns = Object.keys(usable[0]?.extra ?? {}).filter((name) => usable.every((one) => one.extra[name]));
    const mark = JSON.stringify(columns);
    byId("block-field").hidden = columns.length === 0;
    if (mark !== this.columns) show(byId("block"), h("option", { value: "" }, say("start.block_default")), columns.map((name) => h("option", { value: name }, name)));
    this.columns = mark;
  }

  size(group) {
    return [say("start.subjects", { n: group.subjects }), say("studies.recordings", { n: group.recordings }), say("start.minutes", { n: Number(group.minutes).toFixed(group.minutes < 10 ? 1 : 0) })].join(" · ");
  }

  /** The button says why it cannot be pressed. */
  allow(found, groups) {
    const usable = found.groups.reduce((sum, group) => sum + group.recordings, 0);
    const why = !this.editable ? say("study.viewer") : !usable ? say("start.no_recordings") : groups.length === 0 ? say("start.no_groups") : found.problems.length ? say("start.mend") : "";
    byId("start-button").disabled = why !== "";
    byId("why-not").textContent = why;
  }

  async start() {
    if (this.reference === undefined) { byId("why-not").textContent = say("start.choose_reference"); byId("references").querySelector("input")?.focus(); return; }
    if (this.busy()) { byId("why-not").textContent = say("start.wait_uploads", { n: this.busy() }); return; }
    byId("start-button").disabled = true;
    const wish = { reference: this.reference || null, preset: this.preset, posture: byId("posture").value, plan: byId("plan").value || null, block: byId("block").value || null };
    const run = await attempt(() => startOnce(`studies/${this.study}/runs`, wish));
    byId("start-button").disabled = false;
    if (run) location.assign(`/runs/${run.id}`);
  }

  runs() {
    poll(async () => {
      const runs = await all(`studies/${this.study}/runs`);
      byId("runs-card").hidden = runs.length === 0;
      byId("compare").hidden = runs.filter((run) => run.status === "done").length < 2;
      show(byId("runs"), runs.map((run) => this.line(run)));
      return runs.some((run) => run.status === "running" || run.status === "queued");
    }, 2000);
  }

  line(run) {
    const going = run.status === "running" ? ` ${percent(run.fraction)}` : "";
    return h("li", {}, link(run.name || say("run.unnamed"), `/runs/${run.id}`), h("span", { class: `tag ${run.status}` }, say(`run.${run.status}`) + going),
      h("span", { class: "fine" }, [sayOr(`preset.${run.preset}`, run.preset), run.reference ? say("run.against", { group: run.reference }) : say("run.against_none"), moment(run.created)].filter(Boolean).join(" · ")));
  }
}
