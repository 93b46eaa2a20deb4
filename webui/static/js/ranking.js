// Subjects ranked by deviation, each with its interval; a click shows the subject's film.

import { groupKeys } from "./legend.js";
import { h, show, svg } from "./dom.js";
import { number, pValue } from "./format.js";
import { say } from "./say.js";
import { scaleOf, ticks } from "./scale.js";

const key = (row) => `${row.subject}\n${row.group}`;

/** `choose(row, clicked)` shows the film of a subject, of the first one without a click. */
export function showRanking(view, place, choose) {
  const scored = view.subjects.filter((row) => row.deviation !== "" && row.deviation !== null).map((row) => ({ ...row, deviation: Number(row.deviation), low: Number(row.deviation_low || NaN), high: Number(row.deviation_high || NaN) }));
  scored.sort((a, b) => b.deviation - a.deviation);
  const scale = scaleOf(scored.flatMap((row) => [row.deviation, row.low, row.high]));
  const normal = scored.filter((row) => row.group === view.reference).map((row) => row.deviation);
  const buttons = new Map();
  const pick = (row, clicked = true) => { mark(row); choose(row, clicked); };
  const mark = (row) => { for (const [name, made] of buttons) made.setAttribute("aria-pressed", String(name === key(row))); };
  const lines = scored.map((row) => {
    const made = line(row, view, scale, normal, () => pick(row));
    buttons.set(key(row), made);
    return h("li", {}, made);
  });
  const unscored = view.subjects.filter((row) => row.deviation === "" || row.deviation === null).map((row) => row.subject);
  show(place, groupKeys(view), h("div", { class: "rank head", "aria-hidden": "true" }, h("span", {}, say("ranking.subject")), axis(scale), h("span", { class: "num" }, say("ranking.deviation")), h("span", { class: "num" }, say("ranking.p"))),
    h("ol", { class: "ranking", "aria-label": say("ranking.title") }, lines),
    unscored.length ? h("p", { class: "fine" }, say("ranking.unscored", { names: unscored.join(", ") })) : null,
    h("details", {}, h("summary", {}, say("ranking.how")), h("p", { class: "fine" }, say("ranking.explain")), h("p", { class: "fine" }, say("ranking.explain_p"))));
  return { mark, first: () => { const row = scored.find((one) => one.group !== view.reference) ?? scored[0]; if (row) pick(row, false); } };
}

function line(row, view, scale, normal, work) {
  const interval = Number.isFinite(row.low) ? say("ranking.interval", { low: number(row.low), high: number(row.high) }) : "";
  const p = pValue(row.p_value);
  const label = say("ranking.row", { subject: row.subject, group: row.group, deviation: number(row.deviation), interval, p: p ? say("ranking.p_is", { p }) : "" });
  return h("button", { type: "button", class: `rank ${view.classes(row.group)}`, "aria-pressed": "false", "aria-label": label, title: row.group, on: { click: work } },
    h("span", { class: "who" }, h("i"), row.subject), dots(row, scale, normal), h("span", { class: "num strong" }, number(row.deviation)), h("span", { class: "num" }, p, row.smallest_p && p ? h("small", {}, ` (${pValue(row.smallest_p)})`) : null));
}

export function dots(row, scale, normal) {
  const at = (value) => `${scale.percent(value)}%`;
  const band = normal.length ? svg("rect", { class: "band", x: at(Math.min(...normal)), y: 0, width: `${Math.max(0.5, scale.percent(Math.max(...normal)) - scale.percent(Math.min(...normal)))}%`, height: "100%" }) : null;
  return h("span", { class: "plot" }, svg("svg", { "aria-hidden": "true" }, band, svg("line", { class: "rail", x1: 0, x2: "100%", y1: "50%", y2: "50%" }),
    Number.isFinite(row.low) ? svg("line", { class: "whisker", x1: at(row.low), x2: at(row.high), y1: "50%", y2: "50%" }) : null,
    Number.isFinite(row.deviation) ? svg("circle", { class: "dot", cx: at(row.deviation), cy: "50%", r: 5.5 }) : null));
}

export function axis(scale) {
  return h("span", { class: "plot axis" }, ticks(scale).map((value) => h("span", { style: { left: `${scale.percent(value)}%` } }, String(value))));
}
