// The audit log, for admins, 200 lines at a time.

import { get, query } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, h, show, stacked } from "./dom.js";
import { moment } from "./format.js";
import { say } from "./say.js";

const PAGE = 200;
let next = 0;

function line(one) {
  return h("tr", {}, h("td", {}, moment(one.at)), h("td", {}, one.user || say("audit_log.nobody")), h("td", {}, one.action), h("td", {}, one.kind, " ", h("code", {}, (one.object_id ?? "").slice(0, 8))), h("td", {}, one.address));
}

async function load() {
  const words = byId("words").value.trim(), found = await attempt(() => get(`audit?${query({ after: next, words })}`));
  if (!found || words !== byId("words").value.trim()) return;
  if (!next) show(byId("lines").tBodies[0]);
  byId("lines").tBodies[0].append(...found.map(line));
  stacked(byId("lines"));
  byId("export").href = `/api/v1/audit.csv?${query({ words })}`;
  next = found.at(-1)?.id ?? 0;
  byId("more").hidden = found.length < PAGE;
}

byId("more").addEventListener("click", load);
byId("words").addEventListener("input", () => { next = 0; load(); });
load();
