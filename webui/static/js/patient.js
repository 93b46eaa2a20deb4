// A patient over visits: films with dates, and each visit beside the range of a named reference.

import { all, get, me, part, patch, post, remove } from "./api.js";
import { ask, attempt } from "./dialogs.js";
import { button, byId, h, show, svg } from "./dom.js";
import { chosen } from "./files.js";
import { date, number, percent } from "./format.js";
import { isVideo } from "./guess.js";
import { poll } from "./poll.js";
import { say } from "./say.js";
import { scaleOf, ticks } from "./scale.js";
import { Uploads } from "./uploads.js";
import { VisitFilms } from "./visitfilms.js";

const id = byId("main").dataset.patient, films = new VisitFilms();
let study, uploads, stop, drawn = "", recordings = [];

function heading({ pseudonym, reference }) {
  document.title = `${pseudonym} · ubam`;
  byId("name").textContent = pseudonym;
  byId("facts").textContent = reference ? say("patient.against", { name: reference.name, n: reference.subjects, group: reference.group, study: reference.study_name, date: date(reference.created), version: reference.version }) : say("patient.no_reference");
}

/** The deviation of every visit with its interval, over the reference's range. */
function course(visits, band) {
  const scored = visits.filter((one) => Number.isFinite(one.deviation ?? NaN));
  const up = scaleOf([...scored.flatMap((one) => [one.deviation, one.high ?? NaN]), ...(band ?? [])]);
  const x = (place) => (100 * (place + 0.5)) / scored.length, y = (value) => 100 - up.percent(value);
  const whisker = (one, place) => (Number.isFinite(one.low ?? NaN) ? svg("line", { class: "whisker", x1: `${x(place)}%`, x2: `${x(place)}%`, y1: `${y(one.low)}%`, y2: `${y(one.high)}%` }) : null);
  return [h("div", { class: "pane g0" }, h("div", { class: "levels", "aria-hidden": "true" }, ticks(up, 4).map((value) => h("span", { style: { top: `${y(value)}%` } }, String(value)))),
    svg("svg", { role: "img", "aria-label": say("patient.course_label", { values: scored.map((one) => `${date(one.date)}: ${number(one.deviation)}`).join(", ") }) },
      band ? svg("rect", { class: "band", x: 0, width: "100%", y: `${y(band[1])}%`, height: `${Math.max(0.5, y(band[0]) - y(band[1]))}%` }) : null,
      scored.slice(1).map((one, place) => svg("line", { class: "step", x1: `${x(place)}%`, y1: `${y(scored[place].deviation)}%`, x2: `${x(place + 1)}%`, y2: `${y(one.deviation)}%` })),
      scored.map(whisker), scored.map((one, place) => svg("circle", { class: "dot", cx: `${x(place)}%`, cy: `${y(one.deviation)}%`, r: 6 }))),
    h("div", { class: "axis", "aria-hidden": "true" }, scored.map((one, place) => h("span", { style: { left: `${x(place)}%` } }, date(one.date))))),
    h("figcaption", { class: "fine" }, band ? say("patient.band") : "")];
}

function results(found) {
  const shown = found.visits.filter((one) => one.recordings.length), some = shown.length > 0;
  for (const name of ["course-card", "limits-card", "pdf", "magnified-card"]) byId(name).hidden = !some;
  byId("beside-card").hidden = shown.length < 2;
  show(byId("finding"), found.finding.map((words) => h("p", {}, words)));
  show(byId("limits"), found.limits.map((words) => h("li", {}, words)));
  if (some) show(byId("course"), course(found.visits, found.band));
  const mark = JSON.stringify([found.visits, found.compared]);
  if (!some || mark === drawn) return;
  drawn = mark;
  films.open(found.compared, shown, found.clips);
}

function line(recording, editable) {
  const day = h("input", { type: "date", value: recording.date, disabled: !editable, "aria-label": say("patient.date_of", { name: recording.file_name }) });
  day.addEventListener("change", () => attempt(() => patch(`studies/${id}/recordings/${part(recording.id)}`, { date: day.value })).then(follow));
  const away = async () => { if (await ask(say("table.delete_title"), say("table.delete_words", { name: recording.file_name }), say("common.delete")) && await attempt(() => remove(`studies/${id}/recordings/${part(recording.id)}`)) !== undefined) follow(); };
  const picture = recording.status === "ok" || recording.status === "partial" ? h("img", { src: `/api/v1/studies/${id}/recordings/${part(recording.id)}/frame.jpg`, alt: say("table.frame_of", { name: recording.file_name }), loading: "lazy", width: 92, height: 62 }) : h("span", { class: "blank" });
  return h("li", {}, picture, h("span", {}, h("b", {}, recording.file_name), h("span", { class: "fine" }, recording.status === "ok" ? "" : say(`verdict.${recording.status}`), " ", recording.reason)), day, h("span", { class: "on-paper" }, date(recording.date)),
    editable ? button("×", away, { class: "small plain", "aria-label": say("table.delete_of", { name: recording.file_name }) }) : null);
}

async function refresh() {
  const [found, rows] = await Promise.all([get(`patients/${part(id)}`), all(`studies/${part(id)}/recordings`)]);
  const editable = study.can_edit !== false, going = found.run?.status === "queued" || found.run?.status === "running";
  rows.sort((a, b) => a.date.localeCompare(b.date) || a.file_name.localeCompare(b.file_name));
  const mark = (list) => JSON.stringify(list.map((one) => [one.id, one.date, one.status]));
  if (mark(rows) !== mark(recordings) && !byId("visits").contains(document.activeElement)) { show(byId("visits"), rows.length ? rows.map((one) => line(one, editable)) : h("li", { class: "fine" }, say("patient.none"))); recordings = rows; }
  heading(found);
  results(found);
  const undated = rows.filter((one) => !one.date && one.status !== "failed").length, usable = rows.some((one) => one.status === "ok" || one.status === "partial");
  byId("state").textContent = going ? say("patient.comparing", { share: percent(found.run.fraction) }) : undated ? say("patient.undated", { n: undated }) : "";
  byId("compare").disabled = going || undated > 0 || !usable || uploads.open().length > 0;
  byId("run").hidden = !found.run;
  if (found.run) { byId("run").href = `/runs/${found.run.id}`; byId("run").textContent = say("patient.run", { status: say(`run.${found.run.status}`) }); }
  return going || rows.some((one) => one.status === "probing") || uploads.open().length > 0;
}

function follow() {
  stop?.();
  stop = poll(refresh);
}

async function begin() {
  const [person, found] = await Promise.all([me(), get(`studies/${part(id)}`)]);
  study = found;
  const editable = study.can_edit !== false;
  for (const element of document.querySelectorAll("[data-edits]")) element.hidden = !editable;
  byId("delete").hidden = study.role !== "owner";
  byId("visit-date").value = new Date().toISOString().slice(0, 10);
  uploads = new Uploads({ study: id, place: byId("uploads"), limits: person.limits, finished: follow, more: () => ({ date: byId("visit-date").value }) });
  follow();
}

byId("choose-files").addEventListener("click", () => byId("files").click());
byId("files").addEventListener("change", () => { uploads.add(chosen(byId("files")).filter(({ file }) => isVideo(file.name))); byId("files").value = ""; follow(); });
byId("compare").addEventListener("click", () => attempt(() => post(`patients/${part(id)}/compare`)).then(follow));
byId("print").addEventListener("click", () => print());
byId("delete").addEventListener("click", async () => {
  if (!await ask(say("study.delete_title", { name: study.name }), say("study.delete_words", { n: recordings.length }), say("common.delete"))) return;
  if (await attempt(() => remove(`studies/${part(id)}`)) !== undefined) location.assign("/");
});
attempt(begin);
