// Two runs side by side: each common subject's deviation in both.

import { all, get, query } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, groupClasses, h, link, show, stacked, svg } from "./dom.js";
import { moment, number } from "./format.js";
import { keyOf } from "./legend.js";
import { say, sayOr } from "./say.js";
import { scaleOf, ticks } from "./scale.js";

const wanted = new URLSearchParams(location.search);
const called = (run) => [run.study_name, run.name || say("run.unnamed"), sayOr(`preset.${run.preset}`, run.preset), moment(run.created)].filter(Boolean).join(" · ");

async function begin() {
  const runs = (await attempt(() => all("runs")) ?? []).filter((run) => run.status === "done");
  byId("empty").hidden = runs.length >= 2;
  byId("choose").hidden = runs.length < 2;
  if (runs.length < 2) return;
  const ofStudy = wanted.get("study") ? runs.filter((run) => run.study === wanted.get("study")) : runs;
  const [first, second] = wanted.get("runs")?.split(",") ?? (ofStudy.length >= 2 ? ofStudy : runs).slice(0, 2).map((run) => run.id).reverse();
  for (const [id, chosen] of [["first", first], ["second", second]]) {
    show(byId(id), runs.map((run) => h("option", { value: run.id, selected: run.id === chosen }, called(run))));
    byId(id).addEventListener("change", () => compare(runs));
  }
  compare(runs);
}

async function compare(runs) {
  const ids = [byId("first").value, byId("second").value];
  history.replaceState(null, "", `?${query({ runs: ids.join(",") })}`);
  const found = await attempt(() => get(`compare?${query({ runs: ids.join(",") })}`));
  if (!found) return;
  const chosen = ids.map((id) => runs.find((run) => run.id === id));
  const classes = groupClasses(found.subjects.map((row) => row.group), found.runs[0].reference);
  const rows = found.subjects.map((row) => ({ ...row, deviation: [row.a ?? NaN, row.b ?? NaN] }));
  const common = rows.filter((row) => row.deviation.every(Number.isFinite));
  show(byId("compared"), h("p", { class: "lead" }, headline(found, common.length)), common.length ? plot(common, classes, chosen) : null, rows.length ? table(rows, classes, chosen) : null);
}

function headline(found, n) {
  if (!n) return say("compare.no_common");
  const rho = found.rank_correlation;
  if (!Number.isFinite(rho ?? NaN)) return say("compare.too_few", { n });
  return say("compare.correlation", { n, rho: number(rho), how: say(rho >= 0.9 ? "compare.same_order" : rho >= 0.6 ? "compare.like_order" : "compare.other_order") });
}

function plot(rows, classes, chosen) {
  const scale = scaleOf(rows.flatMap((row) => row.deviation)), at = (value) => scale.percent(value);
  const marks = ticks(scale);
  const dots = rows.map((row) => svg("circle", { class: `dot ${classes(row.group)}`, cx: `${at(row.deviation[0])}%`, cy: `${100 - at(row.deviation[1])}%`, r: 6 }, svg("title", {}, say("compare.row", { subject: row.subject, a: number(row.deviation[0]), b: number(row.deviation[1]) }))));
  const groups = [...new Set(rows.map((row) => row.group))];
  return h("section", { class: "card scatter" }, h("p", { class: "legend" }, groups.map((group) => keyOf(group, classes(group)))),
    h("div", { class: "pane" }, h("div", { class: "levels" }, marks.map((value) => h("span", { style: { top: `${100 - at(value)}%` } }, String(value)))),
      svg("svg", { role: "img", "aria-label": say("compare.plot") }, svg("line", { class: "rail middle", x1: 0, y1: "100%", x2: "100%", y2: 0 }), dots),
      h("div", { class: "axis" }, marks.map((value) => h("span", { style: { left: `${at(value)}%` } }, String(value))))),
    h("p", { class: "fine" }, `→ ${called(chosen[0])}; ↑ ${called(chosen[1])}. ${say("compare.diagonal")}`));
}

function table(rows, classes, chosen) {
  const heads = chosen.map((run, index) => h("th", { scope: "col", class: "num" }, link(say(index ? "compare.second" : "compare.first"), `/runs/${run.id}`)));
  const line = (row) => {
    const [a, b] = row.deviation;
    const change = Number.isFinite(a) && Number.isFinite(b) ? `${b >= a ? "+" : "−"}${number(Math.abs(b - a))}` : "";
    return h("tr", {}, h("th", { scope: "row" }, row.subject), h("td", {}, keyOf(row.group, classes(row.group))), h("td", { class: "num" }, number(a)), h("td", { class: "num" }, number(b)), h("td", { class: "num" }, change));
  };
  const made = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("table.subject")), h("th", { scope: "col" }, say("table.group")), heads, h("th", { scope: "col", class: "num" }, say("compare.change")))), h("tbody", {}, rows.map(line)));
  stacked(made);
  return h("section", { class: "card scroll", tabindex: 0, role: "group", "aria-label": say("compare.plot") }, made);
}

begin();
