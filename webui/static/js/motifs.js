// Behaviours that recur in many subjects: what each looks like, and how much each subject uses it.

import { part } from "./api.js";
import { h, show } from "./dom.js";
import { percent, seconds } from "./format.js";
import { say } from "./say.js";

export function showMotifs(view, place) {
  const { motifs = [], words, cycle } = view.motifs ?? {};
  place.hidden = motifs.length === 0;
  if (!motifs.length) return;
  show(place, h("h2", {}, say("motifs.title")), words ? h("p", { class: "read" }, words) : null, cycle?.order ? h("p", { class: "read" }, order(cycle)) : null,
    motifs.length > 1 ? [h("ul", { class: "motifs" }, motifs.map((motif) => card(view, motif))), usage(view, shares(view.usage ?? [], motifs), motifs)] : null);
}

const order = (cycle) => say("motifs.order", { order: [...cycle.order, cycle.order[0]].join(" → "), share: percent(cycle.share) });

/** Rows of usage.csv, one per subject and motif, as one row per subject. */
function shares(rows, motifs) {
  const people = new Map();
  for (const row of rows) {
    const key = `${row.subject}\n${row.group}`;
    if (!people.has(key)) people.set(key, { subject: row.subject, group: row.group, shares: motifs.map(() => null) });
    people.get(key).shares[motifs.findIndex((motif) => motif.motif === Number(row.motif))] = row.share;
  }
  return [...people.values()];
}

function card(view, motif) {
  const picture = (example) => {
    const middle = (example.t_start_s + example.t_end_s) / 2;
    const source = `/api/v1/runs/${part(view.run.id)}/recordings/${part(example.recording_id)}/crop.jpg?t=${middle.toFixed(3)}`;
    return h("figure", {}, h("img", { src: source, alt: say("motifs.example", { n: motif.motif, subject: example.subject, time: seconds(middle) }), loading: "lazy", width: 128, height: 128 }), h("figcaption", {}, `${example.subject}, ${seconds(middle)}`));
  };
  return h("li", { class: `card g${(motif.motif - 1) % 6}` }, h("h3", {}, h("span", { class: "chip" }, motif.motif), say("motifs.share", { share: percent(motif.share) })), h("div", { class: "pictures" }, (motif.examples ?? []).slice(0, 3).map(picture)));
}

function usage(view, rows, motifs) {
  const most = Math.max(...rows.flatMap((row) => row.shares.map((share) => share ?? 0)), 0.01);
  const cell = (share, index) => h("td", {}, share === null || share === undefined ? "–" : h("span", { class: `share g${index % 6}` }, h("i", { style: { width: `${(70 * share) / most}%` } }), percent(share)));
  return h("details", {}, h("summary", {}, say("motifs.usage")), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": say("motifs.usage") }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("table.subject")), h("th", { scope: "col" }, say("table.group")), motifs.map((motif, index) => h("th", { scope: "col" }, say("motifs.motif", { n: index + 1 }))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.subject), h("td", {}, h("span", { class: `key ${view.classes(row.group)}` }, h("i"), row.group)), row.shares.map(cell)))))));
}
