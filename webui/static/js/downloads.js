// What can be taken home: few files, each with what it is for; every single file below; and how it was computed.

import { part } from "./api.js";
import { button, h, link, show } from "./dom.js";
import { bytes } from "./format.js";
import { say } from "./say.js";

const KINDS = ["xlsx", "csv", "parquet", "nwb", "clips", "zip"];

export function showDownloads(view, place) {
  const base = `/api/v1/runs/${part(view.run.id)}`, has = (kind) => kind !== "clips" || view.files.some((file) => file.path.endsWith(".mp4"));
  const one = (kind) => h("div", {}, h("dt", {}, link(say(`downloads.${kind}`), kind === "zip" ? `${base}/run.zip` : `${base}/export.${kind}`, { download: "" })), h("dd", { class: "fine" }, say(`downloads.${kind}_words`)));
  const single = view.files.filter((file) => file.path !== "report.html");
  show(place, h("h2", {}, say("downloads.title")),
    h("div", { class: "row" }, link(say("downloads.report"), `${base}/report.html`, { class: "button main", target: "_blank", rel: "noopener" }), h("span", { class: "fine" }, say("downloads.report_words"))),
    h("dl", { class: "home" }, KINDS.filter(has).map(one)),
    h("details", {}, h("summary", {}, say("downloads.single", { n: single.length })), h("ul", { class: "files" }, single.map((file) => h("li", {}, link(file.path, file.url, { download: "" }), h("span", { class: "fine" }, bytes(file.bytes)))))),
    methods(view));
}

function methods(view) {
  if (!view.words.methods) return null;
  const copy = button(say("downloads.copy"), async () => { await navigator.clipboard.writeText(view.words.methods); copy.textContent = say("downloads.copied"); }, { class: "small", hidden: !navigator.clipboard });
  const cited = view.words.citations ?? [];
  return [h("h3", {}, say("downloads.methods")), h("blockquote", {}, view.words.methods), copy,
    cited.length ? h("details", {}, h("summary", {}, say("downloads.citations")), h("ol", { class: "fine read" }, cited.map((words) => h("li", {}, words)))) : null];
}
