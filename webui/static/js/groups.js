// The group tests in words, how much these groups can show, which subjects look like which group, every number in a table.

import { showAudit } from "./confounds.js";
import { showCurves } from "./curves.js";
import { h, show } from "./dom.js";
import { keyOf } from "./legend.js";
import { say } from "./say.js";

export function showGroups(view, place) {
  const { tests = [], power = [], table = [], classifier, warnings = [] } = view.words;
  const notes = (view.statistics?.notes ?? []).filter((words) => !warnings.includes(words)); // which stand above
  const curves = showCurves(view), audit = showAudit(view);
  place.hidden = !tests.length && !notes.length && !curves && !audit;
  show(place, h("h2", {}, say("groups.title")), tests.map(test), sentences(notes), sentences(power.filter((words) => !tests.some((one) => one.sentence.includes(words)))), curves, tests.length ? h("p", { class: "fine read" }, say("groups.unit")) : null,
    classifier ? looksLike(view, classifier) : null, table.length ? everyTest(table) : null, audit);
}

const sentences = (lines) => (lines.length ? h("ul", { class: "fine read" }, lines.map((words) => h("li", {}, words))) : null);
const effect = (one) => `${one.name} ${one.value}${one.interval ? ` (${one.interval})` : ""}`;

function test(row) {
  const fact = (name, value) => (value ? h("div", {}, h("dt", {}, say(`groups.${name}`)), h("dd", {}, value)) : null);
  const corrected = row.corrected_p ? `${row.correction}, p = ${row.corrected_p}` : row.correction;
  return h("article", { class: "card test" }, h("h3", {}, row.heading), h("p", { class: "read" }, row.sentence), (row.notes ?? []).map((words) => h("p", { class: "fine" }, words)),
    h("details", {}, h("summary", {}, say("groups.numbers")), h("dl", { class: "facts" }, fact("p", row.p), fact("smallest", row.smallest_p), fact("effect", (row.effects ?? []).map(effect).join("; ")),
      fact("n", `${row.n} (${row.unit})`), fact("test", row.name), fact("correction", corrected))));
}

function everyTest(families) {
  const heads = ["question", "test", "n", "p", "smallest", "corrected", "effect"];
  const line = (row) => h("tr", {}, h("th", { scope: "row" }, row.question), h("td", {}, row.refused ? say("groups.refused", { why: row.refused }) : row.name), h("td", {}, row.n), h("td", { class: "num" }, row.p), h("td", { class: "num" }, row.smallest_p), h("td", { class: "num" }, row.corrected_p), h("td", {}, row.effects.map(effect).join("; ")));
  const block = (family) => h("tbody", {}, h("tr", { class: "family" }, h("th", { colspan: heads.length, scope: "colgroup" }, family.name)), family.rows.map(line));
  return h("details", {}, h("summary", {}, say("groups.every")), h("div", { class: "scroll every", tabindex: 0, role: "group", "aria-label": say("groups.every") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, say(`groups.${name}`))))), families.map(block))));
}

function looksLike(view, { words, refused, rows, groups, facts }) {
  const kind = view.classes;
  const bar = (row) => h("span", { class: "parts-of", role: "img", "aria-label": row.parts.map((one) => `${one.group} ${one.percent} %`).join(", ") }, row.parts.map((one) => h("i", { class: kind(one.group), style: { width: `${one.percent}%` } })));
  const line = (row) => h("li", { class: kind(row.group) }, h("span", { class: "who" }, h("i"), row.subject), bar(row), h("span", { class: "fine" }, row.wrong ? say("groups.named", { group: row.predicted }) : row.own));
  return h("details", {}, h("summary", {}, say("groups.classifier")), h("p", { class: "read" }, refused || words), h("p", { class: "fine" }, (facts ?? []).map(([name, value]) => `${name}: ${value}`).join("; ")),
    rows.length ? [h("p", { class: "legend" }, groups.map((one) => keyOf(one.name, kind(one.name)))), h("ul", { class: "looks" }, rows.map(line))] : null);
}
