// The results of a run: in one sentence, then the subjects, the film of one of them, the groups, the maps, the files.

import { get, part } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, groupClasses, h, show } from "./dom.js";
import { showDownloads } from "./downloads.js";
import { showGroups } from "./groups.js";
import { showMaps } from "./maps.js";
import { showMotifs } from "./motifs.js";
import { showRanking } from "./ranking.js";
import { say } from "./say.js";
import { Viewer } from "./viewer.js";

export async function showResults(run) {
  const found = await get(`runs/${part(run.id)}/results`);
  const words = found.words ?? {};
  const reference = words.reference ?? run.reference ?? null;
  const classes = groupClasses([...found.subjects, ...found.recordings].map((row) => row.group), reference);
  const view = { ...found, run, reference, classes, words };
  summary(view);
  const viewer = new Viewer(view, byId("viewer"));
  const ranking = showRanking(view, byId("ranking"), (subject) => viewer.show(subject));
  viewer.shown = (subject) => ranking.mark(subject);
  showGroups(view, byId("groups"));
  showMotifs(view, byId("motifs"));
  showDownloads(view, byId("downloads"));
  ranking.first();
  const maps = await attempt(() => get(`runs/${part(run.id)}/maps`));
  showMaps(view, maps, byId("maps"), (recording, time) => viewer.showMoment(recording, time));
  for (const link of document.querySelectorAll(".parts a")) link.hidden = byId(link.hash.slice(1)).hidden;
  byId("score").hidden = !reference || run.kind === "score" || run.can_edit === false;
}

function summary({ words, recordings }) {
  const [first, ...others] = words.headline ?? [];
  byId("headline").textContent = first ?? say("results.title");
  show(byId("support"), others.map((sentence) => h("p", {}, sentence)));
  const left = recordings.filter((row) => row.status === "failed" || row.status === "partial");
  const lines = [...(words.warnings ?? []).map((sentence) => h("li", {}, sentence)), ...left.map((row) => h("li", {}, say(`results.${row.status}`, { name: row.file_name ?? row.recording_id, reason: row.reason || say("results.no_reason") })))];
  byId("warnings").hidden = lines.length === 0;
  show(byId("warning-list"), lines);
}
