// Score recordings of any study against the frozen reference of a run: "this patient, today".

import { all, get, me, part, post } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, h, show } from "./dom.js";
import { date, seconds } from "./format.js";
import { chosen, dropped } from "./files.js";
import { isVideo } from "./guess.js";
import { poll } from "./poll.js";
import { say } from "./say.js";
import { startOnce } from "./startonce.js";
import { Uploads } from "./uploads.js";

const run = byId("main").dataset.run, NEW = "new";
const picked = new Set(), byName = new Intl.Collator("en", { numeric: true });
let uploads = null, stop = null, limits = null, shown = "";

function line(study, recording) {
  const input = h("input", { type: "checkbox", checked: picked.has(recording.id), on: { change: () => { if (input.checked) picked.add(recording.id); else picked.delete(recording.id); allow(); } } });
  const picture = h("img", { src: `/api/v1/studies/${study}/recordings/${recording.id}/frame.jpg`, alt: "", loading: "lazy", width: 92, height: 62 });
  return h("li", {}, h("label", { class: "choice" }, input, picture, h("span", {}, h("b", {}, recording.file_name), h("span", { class: "fine" }, [recording.subject || say("score.unnamed"), recording.group, seconds(recording.duration_s)].filter(Boolean).join(" · ")))));
}

function allow() {
  byId("start").disabled = picked.size === 0;
  byId("why").textContent = picked.size ? say("score.chosen", { n: picked.size }) : say("score.choose");
}

function follow(study, fresh) {
  stop?.();
  shown = "";
  if (study === NEW) { show(byId("recordings"), h("li", { class: "fine" }, say("score.none"))); return; }
  stop = poll(async () => {
    const rows = await all(`studies/${study}/recordings`);
    rows.sort((a, b) => byName.compare(a.file_name, b.file_name));
    const usable = rows.filter((one) => one.status === "ok" || one.status === "partial");
    const mark = JSON.stringify(usable.map((one) => one.id));
    if (fresh) for (const one of usable) if (!shown.includes(one.id)) picked.add(one.id);
    if (mark !== shown) show(byId("recordings"), usable.length ? usable.map((one) => line(study, one)) : h("li", { class: "fine" }, say("score.none")));
    shown = mark;
    allow();
    return rows.some((one) => one.status === "probing") || (uploads?.open().length ?? 0) > 0;
  });
}

async function studyForFiles() {
  if (byId("study").value !== NEW) return byId("study").value;
  const made = await attempt(() => post("studies", { name: say("score.new_name", { date: date(new Date().toISOString()) }) }));
  if (!made) return null;
  byId("study").append(h("option", { value: made.id, selected: true }, made.name));
  byId("study").value = made.id;
  return made.id;
}

async function add(files) {
  if (!await known) return;
  const videos = files.filter(({ file }) => isVideo(file.name));
  const fresh = byId("study").value === NEW;
  const study = videos.length ? await studyForFiles() : null;
  if (!study) return;
  if (!uploads) uploads = new Uploads({ study, place: byId("uploads"), limits, finished: () => follow(byId("study").value, true) });
  uploads.study = study;
  uploads.add(videos);
  if (fresh) follow(study, true);
}

async function begin() {
  const [person, found, studies] = await Promise.all([me(), get(`runs/${part(run)}`), all("studies")]);
  limits = person.limits;
  byId("run").textContent = [found.study_name, found.name || say("run.unnamed")].filter(Boolean).join(" · ");
  const editable = studies.filter((study) => study.can_edit !== false);
  show(byId("study"), h("option", { value: NEW }, say("score.new_study")), editable.map((study) => h("option", { value: study.id, selected: study.id === found.study }, study.name)));
  byId("study").addEventListener("change", () => { picked.clear(); follow(byId("study").value, false); allow(); });
  follow(byId("study").value, false);
  allow();
  return true;
}

byId("choose-files").addEventListener("click", () => byId("files").click());
byId("files").addEventListener("change", () => { add(chosen(byId("files"))); byId("files").value = ""; });
addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
addEventListener("drop", async (event) => { if (!event.dataTransfer?.types.includes("Files")) return; event.preventDefault(); add(await dropped(event.dataTransfer)); });
byId("score").addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await attempt(() => startOnce(`runs/${part(run)}/score`, { recordings: [...picked] }));
  if (made) location.assign(`/runs/${made.id}`);
});
const known = attempt(begin); // files that come before wait for it
