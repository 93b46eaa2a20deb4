// The page of a run: its stages while it works, and its results as soon as it is done.

import { get, part, patch, post, query, remove } from "./api.js";
import { ask, askText, attempt, tell } from "./dialogs.js";
import { bar, byId, h, show } from "./dom.js";
import { left, moment, percent, seconds } from "./format.js";
import { ended, listen, offer } from "./notify.js";
import { poll } from "./poll.js";
import { showResults } from "./results.js";
import { say, sayOr } from "./say.js";

const id = byId("main").dataset.run;
const rows = new Map();
let seen = 0, shown, early = null, last = null;

function heading(run) {
  const name = run.name || say("run.unnamed");
  document.title = `${run.status === "running" ? `${percent(run.fraction)} ` : ""}${name} · ubam`;
  byId("name").textContent = name;
  const study = byId("study");
  study.textContent = run.study_name ?? say("nav.studies");
  study.href = run.study ? `/studies/${run.study}` : "/";
  byId("facts").textContent = [sayOr(`preset.${run.preset}`, run.preset ?? ""), run.reference ? say("run.against", { group: run.reference }) : say("run.against_none"), moment(run.created)].filter(Boolean).join(" · ");
  const tag = byId("tag");
  tag.className = `tag ${run.status}`;
  tag.textContent = say(`run.${run.status}`);
  tag.hidden = run.status === "done";
}

function buttons(run) {
  const going = run.status === "queued" || run.status === "running", edits = run.can_edit !== false;
  byId("cancel").hidden = !going || !edits;
  byId("resume").hidden = !["failed", "cancelled"].includes(run.status) || !edits;
  byId("delete").hidden = going || !edits;
  byId("rename").hidden = !edits || going;
}

function stage(one) {
  const words = h("span", { class: "fine" }), progress = bar(0, sayOr(`stage.${one.name}`, one.name)), title = h("b", {}, sayOr(`stage.${one.name}`, one.name));
  const line = h("li", {}, title, words, progress, h("span", { class: "fine what" }, sayOr(`stage.${one.name}_words`, "")));
  byId("stages").append(line);
  return { line, words, progress };
}

function stages(run) {
  for (const one of run.stages ?? []) {
    if (!rows.has(one.name)) rows.set(one.name, stage(one));
    const { line, words, progress } = rows.get(one.name);
    line.className = one.state;
    line.toggleAttribute("aria-current", one.state === "running");
    const share = one.state === "done" ? 1 : one.total ? one.done / one.total : 0;
    progress.value = share;
    progress.hidden = one.state !== "running";
    const known = one.total > 1 ? say(one.name === "crops" ? "run.frames" : "run.part", { done: one.done, total: one.total }) : "";
    words.textContent = one.state === "running" ? [percent(share), known, one.seconds ? seconds(one.seconds) : ""].filter(Boolean).join(" · ")
      : one.state === "done" ? (one.seconds ? seconds(one.seconds) : say("run.done")) : one.state === "failed" ? say("run.failed") : "";
  }
}

function progress(run) {
  byId("progress").hidden = run.status === "done";
  byId("whole").value = run.fraction ?? 0;
  byId("percent").textContent = percent(run.fraction);
  const words = { queued: run.queue_position ? say("run.behind", { n: run.queue_position }) : say("run.soon"), running: left(run.eta_s ?? NaN) || say("run.no_estimate"),
    failed: say("run.stopped"), cancelled: say("run.was_cancelled"), done: "" };
  byId("estimate").textContent = words[run.status];
  byId("whole").hidden = byId("percent").hidden = run.status === "queued";
  byId("error").hidden = !run.error;
  byId("error").textContent = run.error ?? "";
  byId("leave").hidden = run.status !== "running" && run.status !== "queued";
  stages(run);
}

async function log() {
  const found = await get(`runs/${part(id)}/log?${query({ after: seen })}`);
  seen = found.next;
  const place = byId("log");
  const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  if (found.lines.length) place.append(`${found.lines.join("\n")}\n`);
  if (atEnd) place.scrollTop = place.scrollHeight;
}

function follow() {
  poll(async () => {
    const run = await get(`runs/${part(id)}`);
    heading(run);
    buttons(run);
    progress(run);
    await log().catch(() => {});
    const going = run.status === "queued" || run.status === "running";
    offer(going);
    if (last && !going && last !== run.status) ended(run);
    last = run.status;
    if (run.status === "done" && shown !== run.finished) {
      shown = run.finished;
      await attempt(() => (early ? early.renew(run) : showResults(run)));
    } else if (run.status !== "done" && run.stages?.some((one) => one.name === "score" && one.state === "done")) {
      // The results are shown as soon as they are there, and clips as they come.
      early ??= await attempt(() => showResults(run)) ?? null;
      byId("early").hidden = !early;
      if (early && going) await early.renew(run).catch(() => {});
    }
    if (run.status === "done") byId("early").hidden = true;
    return going;
  });
}

const again = async (work) => { if (await attempt(work) !== undefined) follow(); };

listen();
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll(".results details:not([open])")) { one.open = true; one.dataset.printed = ""; } });
addEventListener("afterprint", () => { for (const one of document.querySelectorAll("details[data-printed]")) { one.open = false; delete one.dataset.printed; } });
byId("rename").addEventListener("click", async () => {
  const name = await askText(say("run.rename"), say("run.name"), byId("name").textContent, say("common.save"));
  if (name) again(() => patch(`runs/${part(id)}`, { name }));
});
byId("name-reference").addEventListener("click", async () => {
  const name = await askText(say("run.name_reference"), say("run.reference_label"), "", say("common.save"));
  if (name && await attempt(() => post(`runs/${part(id)}/reference`, { name }))) tell(say("run.reference_named", { name }));
});
byId("cancel").addEventListener("click", async () => {
  if (await ask(say("run.cancel_title"), say("run.cancel_words"), say("run.cancel"))) again(() => post(`runs/${part(id)}/cancel`));
});
byId("resume").addEventListener("click", () => again(() => post(`runs/${part(id)}/resume`)));
byId("delete").addEventListener("click", async () => {
  if (!await ask(say("run.delete_title"), say("run.delete_words"), say("common.delete"))) return;
  if (await attempt(() => remove(`runs/${part(id)}`)) !== undefined) location.assign(byId("study").href);
});
follow();
