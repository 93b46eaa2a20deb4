// What can be taken home: the report, everything in one file, tables, clips, figures; and how it was computed.

import { part } from "./api.js";
import { button, h, link, show } from "./dom.js";
import { bytes } from "./format.js";
import { say } from "./say.js";

const KINDS = [["tables", /\.(csv|json)$/i], ["clips", /\.mp4$/i], ["figures", /\.(png|svg)$/i], ["others", /./]];

export function showDownloads(view, place) {
  const base = `/api/v1/runs/${part(view.run.id)}`;
  const left = view.files.filter((file) => file.path !== "report.html");
  const lists = KINDS.map(([kind, match]) => {
    const mine = left.filter((file) => match.test(file.path) && KINDS.find(([, other]) => other.test(file.path))[0] === kind);
    return mine.length ? h("details", {}, h("summary", {}, say(`downloads.${kind}`, { n: mine.length })), h("ul", { class: "files" }, mine.map((file) => h("li", {}, link(file.path, file.url, { download: "" }), h("span", { class: "fine" }, bytes(file.bytes)))))) : null;
  });
  show(place, h("h2", {}, say("downloads.title")),
    h("div", { class: "row" }, link(say("downloads.report"), `${base}/report.html`, { class: "button main", target: "_blank", rel: "noopener" }), link(say("downloads.zip"), `${base}/run.zip`, { class: "button", download: "" })),
    lists, methods(view));
}

function methods(view) {
  if (!view.words.methods) return null;
  const copy = button(say("downloads.copy"), async () => { await navigator.clipboard.writeText(view.words.methods); copy.textContent = say("downloads.copied"); }, { class: "small", hidden: !navigator.clipboard });
  const cited = view.words.citations ?? [];
  return [h("h3", {}, say("downloads.methods")), h("blockquote", {}, view.words.methods), copy,
    cited.length ? h("details", {}, h("summary", {}, say("downloads.citations")), h("ol", { class: "fine read" }, cited.map((words) => h("li", {}, words)))) : null];
}
