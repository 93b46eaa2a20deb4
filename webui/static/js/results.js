// The results of a run: in one sentence, then the subjects, the film of one of them, the groups, the maps, the files.

import { get, part } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, groupClasses, h, show } from "./dom.js";
import { showDownloads } from "./downloads.js";
import { showGroups } from "./groups.js";
import { showMaps } from "./maps.js";
import { showMotifs } from "./motifs.js";
import { showRanking } from "./ranking.js";
import { listenToKeys } from "./keys.js";
import { say } from "./say.js";
import { offerTour } from "./tour.js";
import { Viewer } from "./viewer.js";

let viewer = null;
const below = matchMedia("(max-width: 1059px)"); // the film stands below the ranking, not beside it
listenToKeys(() => viewer);

/** Show what there is; null while nothing is scored yet. Gives what lets clips and files that come later be shown, too. */
export async function showResults(run) {
  const found = await get(`runs/${part(run.id)}/results`);
  if (!found.words && run.status !== "done") return null;
  byId("results").hidden = false;
  const words = found.words ?? {};
  const reference = words.reference ?? run.reference ?? null;
  const classes = groupClasses([...found.subjects, ...found.recordings].map((row) => row.group), reference);
  const view = { ...found, run, reference, classes, words };
  const named = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  summary(view);
  viewer = new Viewer(view, byId("viewer"));
  const mine = viewer, ranking = showRanking(view, byId("ranking"), (subject, clicked) => { mine.show(subject); if (clicked && below.matches) byId("viewer").scrollIntoView(); });
  mine.shown = (subject) => ranking.mark(subject);
  if (!pointed(mine, named)) ranking.first();
  await besides(view, mine);
  return { renew: (now) => renew(now, mine) };
}

/** What stands around the film: groups, behaviours, maps, files. */
async function besides(view, mine) {
  const { run } = view;
  showGroups(view, byId("groups"));
  showMotifs(view, byId("motifs"));
  showDownloads(view, byId("downloads"));
  const maps = await attempt(() => get(`runs/${part(run.id)}/maps`));
  showMaps(view, maps, byId("maps"), (recording, time) => mine.showMoment(recording, time));
  for (const link of document.querySelectorAll(".parts a")) link.hidden = byId(link.hash.slice(1)).hidden;
  byId("name-reference").hidden = byId("score").hidden = !view.reference || run.kind === "score" || run.can_edit === false;
  if (run.status === "done") offerTour();
}

/** Clips that came since, and at the end everything but the film that somebody may be looking at. */
async function renew(run, mine) {
  const found = await get(`runs/${part(run.id)}/results`);
  Object.assign(mine.view, found, { run, words: found.words ?? {} });
  mine.renew(found.clips);
  if (run.status !== "done") return;
  summary(mine.view);
  await besides(mine.view, mine);
}

/** Show the moment that the end of an address names, as #recording=a&t=1.5; false where it names none. */
function pointed(mine, { recording, t }) {
  const row = mine.view.recordings.find((one) => one.recording_id === recording && one.status !== "failed");
  if (!row) return false;
  mine.shown(row);
  mine.show(row, recording)?.then(() => { if (Number.isFinite(Number(t))) mine.seek(Number(t)); });
  return true;
}

function summary({ words, recordings }) {
  const [first, ...others] = words.headline ?? [];
  byId("headline").textContent = first ?? say("results.title");
  show(byId("support"), others.map((sentence) => h("p", {}, sentence)));
  const warnings = words.warnings ?? [], said = warnings.join("\n");
  // A warning names five of each kind at most, each with its reason.
  const named = (row) => said.includes(` ${row.recording_id} (${row.reason})`);
  const left = recordings.filter((row) => (row.status === "failed" || row.status === "partial") && !named(row));
  const lines = [...warnings.map((sentence) => h("li", {}, sentence)), ...left.map((row) => h("li", {}, say(`results.${row.status}`, { name: row.file_name ?? row.recording_id, reason: row.reason || say("results.no_reason") })))];
  byId("warnings").hidden = lines.length === 0;
  show(byId("warning-list"), lines);
}
