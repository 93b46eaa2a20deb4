// What besides movement could tell the groups apart: controls that learned nothing, and camera, light, size and place.

import { h, svg } from "./dom.js";
import { number } from "./format.js";
import { say, sayOr } from "./say.js";

const MARKS = { bad: "!", doubt: "?", "": "·" };

export function showAudit(view) {
  const audit = view.words.audit, controls = view.statistics?.controls;
  const rows = Object.entries(controls ?? {}).map(([name, row]) => ({ name: sayOr(`control.${name}`, name), ours: name === "ubam", auc: row.auc, p: "" }));
  if (!audit && !rows.length) return null;
  if (audit?.new) return newAudit(audit);
  const compared = audit?.comparisons?.length ? audit.comparisons.map(comparison) : controlRows(rows);
  return h("section", { class: "audit" }, h("h3", {}, say("audit.title")), h("p", { class: "fine read" }, say("audit.words")), audit && (audit.warnings.length || tested(audit)) ? verdict(audit.warnings, "audit.nothing") : null, compared, audit ? rest(audit) : null);
}

// A new subject is held to the reference's own recordings.
function newAudit(audit) {
  const held = audit.against.length ? h("ul", { class: "fine read" }, audit.against.map((one) => h("li", {}, one.words))) : null;
  return h("section", { class: "audit" }, h("h3", {}, say("audit.title_new")), h("p", { class: "fine read" }, say("audit.words_new")), audit.against.length ? verdict(audit.warnings, "audit.nothing_new") : null, held, rest(audit));
}

// That nothing was found is said only where something was looked for.
const tested = (audit) => audit.comparisons.some((entry) => !entry.refused && entry.rows.some((row) => Number.isFinite(row.auc)));

const verdict = (warnings, nothing) => (warnings.length ? h("div", { class: "note" }, h("ul", {}, warnings.map((words) => h("li", {}, words)))) : h("p", { class: "note good" }, say(nothing)));

function comparison(entry) {
  return h("div", {}, h("h4", {}, entry.title), entry.refused ? h("p", { class: "fine" }, entry.refused) : null, controlRows(entry.controls), folded(say("audit.rows", { groups: entry.title }), sentences(entry.rows)));
}

function rest(audit) {
  return [folded(say("audit.follows"), sentences(audit.follows)), audit.identity ? h("p", { class: "fine read" }, audit.identity) : null,
    audit.unknown.length ? [h("h4", {}, say("audit.unknown")), h("ul", { class: "fine read" }, audit.unknown.map((words) => h("li", {}, words)))] : null];
}

const sentences = (rows) => rows.filter((row) => row.words).map((row) => h("li", { class: row.class }, h("span", { class: "mark", "aria-hidden": "true" }, MARKS[row.class ?? ""]), row.words));
const folded = (title, lines) => (lines.length ? h("details", {}, h("summary", {}, title), h("ul", { class: "verdicts" }, lines)) : null);

// From chance (0.5) to what was found, on a line from 0 to 1.
function controlRows(rows) {
  const line = (row) => h("li", { class: row.ours ? "g1" : "ref" }, h("span", {}, row.name), h("span", { class: "plot" }, svg("svg", { "aria-hidden": "true" }, svg("line", { class: "rail", x1: 0, x2: "100%", y1: "50%", y2: "50%" }),
    svg("line", { class: "rail middle", x1: "50%", x2: "50%", y1: 0, y2: "100%" }), svg("line", { class: "whisker", x1: "50%", x2: `${100 * row.auc}%`, y1: "50%", y2: "50%" }), svg("circle", { class: "dot", cx: `${100 * row.auc}%`, cy: "50%", r: 5.5 }))),
    h("span", { class: "num" }, say("audit.auc", { auc: number(row.auc) })), h("span", { class: "num fine" }, row.p ? say("ranking.p_is", { p: row.p }) : ""));
  const known = rows.filter((row) => Number.isFinite(row.auc)).sort((a, b) => Boolean(b.ours) - Boolean(a.ours));
  return known.length ? h("ul", { class: "controls", "aria-label": say("audit.controls") }, known.map(line)) : null;
}
