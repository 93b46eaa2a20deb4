// Curves over days or doses: a thin line for every subject, a thick one for the mean of the group with its interval.

import { h, svg } from "./dom.js";
import { number } from "./format.js";
import { groupKeys } from "./legend.js";
import { say } from "./say.js";
import { scaleOf, ticks } from "./scale.js";

export function showCurves(view) {
  const curves = (view.statistics?.curves ?? []).filter((curve) => curve.points?.length);
  const columns = [...new Set(curves.map((curve) => curve.column))];
  return columns.length ? h("section", {}, h("h3", {}, say("curves.title")), columns.map((column) => panel(view, column, curves.filter((curve) => curve.column === column)))) : null;
}

function panel(view, column, curves) {
  const points = curves.flatMap((curve) => curve.points), days = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const across = scaleOf(days, false), up = scaleOf([...points.map((point) => point.deviation), ...curves.flatMap((curve) => curve.mean.map((one) => one.high ?? NaN))]);
  const x = (value) => 10 * across.percent(value), y = (value) => 100 - up.percent(value);
  const path = (rows, value) => `M${rows.map((row) => `${x(row.x)} ${y(value(row))}`).join("L")}`;
  const band = (mean) => `${path(mean, (one) => one.high)}L${[...mean].reverse().map((one) => `${x(one.x)} ${y(one.low)}`).join("L")}Z`;
  const one = (curve) => svg("g", { class: view.classes(curve.group) }, curve.mean.every((row) => Number.isFinite(row.low)) && curve.mean.length > 1 ? svg("path", { class: "spread", d: band(curve.mean) }) : null,
    curve.subjects.map(({ subject }) => svg("path", { class: "thin", d: path(curve.points.filter((point) => point.subject === subject).sort((a, b) => a.x - b.x), (point) => point.deviation) || "M0 0" })),
    svg("path", { class: "thick", d: path(curve.mean, (row) => row.deviation) }));
  return h("figure", { class: "card curves" }, groupKeys({ ...view, subjects: curves }),
    h("div", { class: "pane" }, h("div", { class: "levels", "aria-hidden": "true" }, ticks(up, 4).map((value) => h("span", { style: { top: `${y(value)}%` } }, String(value)))),
      svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": say("curves.label", { column }) }, ticks(up, 4).map((value) => svg("line", { class: "grid", x1: 0, x2: 1000, y1: y(value), y2: y(value) })), curves.map(one)),
      h("div", { class: "axis", "aria-hidden": "true" }, days.map((value) => h("span", { style: { left: `${across.percent(value)}%` } }, String(value))))),
    h("figcaption", { class: "fine" }, say("curves.axis", { column }), " ", curves.map((curve) => curve.words || say("curves.slope", { group: curve.group, slope: number(curve.slope, 3) })).join(" ")));
}
