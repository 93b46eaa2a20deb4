// The first page: every study of the person, and how to begin when there is none.

import { all, get, post } from "./api.js";
import { askText, attempt } from "./dialogs.js";
import { byId, h, link, show } from "./dom.js";
import { bytes, date } from "./format.js";
import { offerPatients } from "./newpatient.js";
import { say } from "./say.js";

const list = byId("studies");

function card(study) {
  const facts = [say("studies.recordings", { n: study.n_recordings }), say("studies.runs", { n: study.n_runs }), bytes(study.bytes)];
  const shared = study.role && study.role !== "owner" ? say("studies.of", { owner: study.owner?.name ?? study.owner }) : null;
  const frames = (study.pictures ?? []).map((id) => h("img", { src: `/api/v1/studies/${study.id}/recordings/${id}/frame.jpg`, alt: "", loading: "lazy", width: 80, height: 54 }));
  const run = study.latest_run;
  return h("li", { class: "card study-card" },
    h("div", { class: "film" }, frames.length ? frames : h("span", { class: "fine" }, say("studies.no_videos"))),
    h("h2", {}, link(study.name, `/${study.kind === "patient" ? "patients" : "studies"}/${study.id}`), study.kind === "study" ? null : [" ", h("span", { class: "tag" }, say(`studies.kind_${study.kind}`))]),
    h("p", { class: "soft" }, facts.filter(Boolean).join(" · ")),
    run ? h("p", { class: "latest" }, h("span", { class: `tag ${run.status}` }, say(`run.${run.status}`)), link(run.name || say("run.unnamed"), `/runs/${run.id}`)) : null,
    h("p", { class: "fine" }, say("studies.created", { date: date(study.created) }), shared ? ` · ${shared}` : ""));
}

async function begin(name) {
  const study = await attempt(() => post("studies", { name }));
  if (study) location.assign(`/studies/${study.id}`);
}

async function load() {
  const studies = await attempt(() => all("studies"));
  if (!studies) return;
  const own = studies.filter((study) => study.kind !== "example"), example = studies.find((study) => study.kind === "example");
  byId("empty").hidden = own.length > 0;
  byId("new").hidden = own.length === 0;
  show(list, [...own, ...studies.filter((study) => study.kind === "example")].map(card));
  list.hidden = own.length === 0;
  offerExample(example?.latest_run);
}

/** One click to finished results; while they are being made, that is said. */
function offerExample(run) {
  const done = run?.status === "done";
  byId("example").hidden = !run || run.status === "failed" || run.status === "cancelled";
  if (run) byId("example-link").href = `/runs/${run.id}`;
  byId("example-link").hidden = !done;
  byId("example-soon").hidden = done;
}

byId("new").addEventListener("click", async () => {
  const name = await askText(say("studies.new"), say("studies.name"), "", say("studies.begin"));
  if (name) begin(name);
});
byId("first").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(byId("first-name").value.trim());
});
load();
offerPatients();
get("space").then(({ used, quota, free }) => { byId("space").textContent = say("studies.space", { used: bytes(used), quota: bytes(quota), free: bytes(free) }); }, () => {});
