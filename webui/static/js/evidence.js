// For each peak: the subject then, and the nearest moments of the reference.

import { button, h, show } from "./dom.js";
import { seconds } from "./format.js";
import { say } from "./say.js";

const picture = (src, alt) => h("img", { src, alt, loading: "lazy", width: 128, height: 128 });

export function showEvidence(place, peaks, subject, reference, seek) {
  place.hidden = !peaks.length;
  if (!peaks.length) return;
  show(place, h("h3", {}, reference ? say("evidence.title") : say("evidence.title_others")), peaks.map((peak, index) => pair(peak, index, subject, seek)));
}

function pair(peak, index, subject, seek) {
  const time = seconds(peak.time_s);
  return h("div", { class: "pair" },
    h("p", { class: "when" }, button(String(index + 1), () => seek(peak.time_s), { class: "peak", "aria-label": say("timeline.peak", { n: index + 1, time }) }), say("evidence.at", { time })),
    h("div", { class: "pictures" },
      h("figure", { class: "mine" }, picture(peak.query, say("evidence.subject_at", { subject, time })), h("figcaption", {}, subject)),
      h("figure", {}, picture(peak.where, say("evidence.where_alt", { subject })), h("figcaption", {}, say("evidence.where"))),
      h("span", { class: "against", "aria-hidden": "true" }, "↔"),
      peak.nearest.map((near) => h("figure", {}, picture(near.url, say("evidence.nearest_alt", { subject: near.subject })), h("figcaption", {}, near.subject, `, ${seconds(near.time_s)}`)))));
}
