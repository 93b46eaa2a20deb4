// The study page: videos in, the table, what to compare with, and the runs so far.

import { all, get, me, patch, post, put, remove } from "./api.js";
import { Analysis } from "./analysis.js";
import { ask, askText, attempt, complain, tell } from "./dialogs.js";
import { drawBoxes } from "./box.js";
import { showDetails } from "./details.js";
import { byId, h, show } from "./dom.js";
import { bytes } from "./format.js";
import { chosen, dropped } from "./files.js";
import { isTable, isVideo } from "./guess.js";
import { Members } from "./members.js";
import { poll } from "./poll.js";
import { say } from "./say.js";
import { Table } from "./table.js";
import { TableTools } from "./tabletools.js";
import { Uploads } from "./uploads.js";

const id = byId("main").dataset.study;
const state = { recordings: [], tables: [], following: null };
const byName = new Intl.Collator("en", { numeric: true });
let study, table, tools, uploads, analysis;

function heading() {
  document.title = `${study.name} · ubam`;
  byId("name").textContent = study.name;
  byId("facts").textContent = [say("studies.recordings", { n: state.recordings.length }), bytes(state.recordings.reduce((sum, one) => sum + (one.bytes ?? 0), 0))].join(" · ");
}

async function refresh() {
  state.recordings = await all(`studies/${id}/recordings`);
  state.recordings.sort((a, b) => byName.compare(a.file_name, b.file_name));
  const some = state.recordings.length > 0;
  byId("table-card").hidden = !some;
  byId("aside").hidden = byId("to-start").hidden = !some;
  byId("drop").classList.toggle("slim", some);
  table.update(state.recordings);
  tools.check(state.recordings);
  analysis.blocks(state.recordings);
  heading();
  counts();
  const reading = state.recordings.filter((one) => one.status === "probing").length;
  byId("reading").textContent = reading ? say("table.reading", { n: reading, of: state.recordings.length }) : "";
  return reading > 0 || uploads.open().length > 0;
}

function counts() {
  const usable = state.recordings.filter((one) => one.status !== "failed");
  const lacking = usable.filter((one) => !one.subject || !one.group).length;
  byId("lacking").textContent = lacking ? say("table.lacking", { n: lacking }) : "";
}

/** Follow the server until every file is read; then ask it what the study can show. */
function follow() {
  state.following?.();
  state.following = poll(async () => {
    const more = await refresh();
    if (!more) analysis.refresh();
    return more;
  });
}

async function add(files) {
  if (!await known) return;
  if (study.can_edit === false) { tell(say("study.viewer")); return; }
  const videos = files.filter(({ file }) => isVideo(file.name)), tables = files.filter(({ file }) => isTable(file.name));
  const others = files.filter(({ file }) => !isVideo(file.name) && !isTable(file.name));
  state.tables.push(...tables.map(({ file }) => file));
  if (others.length) tell(say("upload.left_out", { n: others.length, names: others.slice(0, 3).map(({ file }) => file.name).join(", ") }));
  if (videos.length) uploads.add(videos).then((said) => { if (said.length) tell(said.join(" ")); });
  else if (tables.length) importTables();
  else if (!others.length) tell(say("upload.nothing"));
}

async function arrived() {
  if (uploads.open().length === 0 && state.tables.length) await importTables();
  follow();
}

async function importTables() {
  for (const file of state.tables.splice(0)) {
    const result = await attempt(async () => put(`studies/${id}/table.csv`, await file.text(), "text/csv"));
    if (result === undefined) continue;
    const wrong = result?.wrong ?? result?.problems ?? [];
    if (wrong.length) complain(new Error(wrong.slice(0, 5).map((one) => (typeof one === "string" ? one : one.reason ?? one.error)).join(" ")));
    else tell([say("table.imported", { name: file.name }), ...(result?.notes ?? [])].join(" "));
  }
  follow();
}

function listenForDrops() {
  let depth = 0;
  const files = (event) => event.dataTransfer?.types.includes("Files");
  const over = (on) => byId("drop").classList.toggle("over", on);
  addEventListener("dragenter", (event) => { if (files(event)) { depth += 1; over(true); } });
  addEventListener("dragleave", (event) => { if (files(event)) { depth -= 1; if (depth <= 0) over(false); } });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
  addEventListener("drop", async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    add(await dropped(event.dataTransfer));
  });
  for (const [press, input] of [["choose-files", "files"], ["choose-folder", "folder"]]) {
    byId(press).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => { add(chosen(byId(input))); byId(input).value = ""; });
  }
}

function listenForTable() {
  byId("import").addEventListener("click", () => byId("csv").click());
  byId("csv").addEventListener("change", () => { state.tables.push(...byId("csv").files); byId("csv").value = ""; importTables(); });
  byId("bulk").addEventListener("submit", (event) => {
    event.preventDefault();
    table.save([...table.chosen], { [byId("bulk-field").value]: byId("bulk-value").value.trim() });
  });
  byId("bulk-delete").addEventListener("click", () => table.delete([...table.chosen]));
  byId("bulk-none").addEventListener("click", () => table.chooseAll(false));
}

function listenForStudy() {
  byId("rename").addEventListener("click", async () => {
    const name = await askText(say("study.rename"), say("studies.name"), study.name, say("common.save"));
    if (!name || await attempt(() => patch(`studies/${id}`, { name })) === undefined) return;
    study.name = name;
    heading();
  });
  byId("delete").addEventListener("click", async () => {
    if (!await ask(say("study.delete_title", { name: study.name }), say("study.delete_words", { n: state.recordings.length }), say("common.delete"))) return;
    if (await attempt(() => remove(`studies/${id}`)) !== undefined) location.assign("/");
  });
  byId("open-run").addEventListener("click", openRun);
  byId("server-folder").addEventListener("click", async () => {
    const path = await askText(say("study.folder_title"), say("study.folder_label"), "", say("study.folder_use"));
    if (path && await attempt(() => post(`studies/${id}/folder`, { path })) !== undefined) follow();
  });
}

async function openRun() {
  const path = await askText(say("start.open_run"), say("start.open_run_label"), "", say("start.open_run_use"));
  const run = path ? await attempt(() => post(`studies/${id}/runs/open`, { path })) : null;
  if (run) location.assign(`/runs/${run.id}`);
}

function drawBox(recording) {
  const others = state.recordings.filter((one) => one.id !== recording.id && one.width === recording.width && one.height === recording.height && one.status !== "failed");
  drawBoxes(id, recording, others, study.can_edit !== false).then(follow);
}

async function begin() {
  const [person, found] = await Promise.all([me(), get(`studies/${id}`)]);
  study = found;
  const editable = study.can_edit !== false;
  for (const element of document.querySelectorAll("[data-edits]")) element.hidden = !editable;
  byId("server-folder").hidden = !editable || !person.server_folders;
  byId("open-run").hidden = !editable || !person.server_folders;
  byId("members").hidden = !person.accounts || study.role !== "owner";
  byId("delete").hidden = study.role !== "owner";
  byId("viewing").hidden = editable;
  table = new Table({ study: id, place: byId("table"), editable, changed: follow, drawBox, details: (recording) => showDetails(id, recording, editable, person.limits).then(follow) });
  tools = new TableTools(table, editable);
  uploads = new Uploads({ study: id, place: byId("uploads"), limits: person.limits, finished: arrived });
  analysis = new Analysis({ study: id, editable, presets: person.presets, busy: () => uploads.open().length });
  if (editable) { listenForTable(); listenForStudy(); }
  byId("members").addEventListener("click", () => new Members(study));
  byId("limit").textContent = say("study.limit", { size: bytes(person.limits?.max_bytes ?? NaN) });
  byId("limit").hidden = !person.limits?.max_bytes;
  follow();
}

// Where the start is in sight, nothing needs to lead there.
new IntersectionObserver(([{ isIntersecting }]) => byId("to-start").classList.toggle("there", isIntersecting)).observe(document.querySelector(".go"));

// Files may come before the server has said who is there: they wait for it.
listenForDrops();
const known = begin().then(() => true, (error) => { show(byId("main"), h("p", { class: "note bad" }, error.message)); return false; });
