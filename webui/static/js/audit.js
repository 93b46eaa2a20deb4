// The audit log, for admins, 200 lines at a time.

import { get, query } from "./api.js";
import { attempt } from "./dialogs.js";
import { byId, h } from "./dom.js";
import { moment } from "./format.js";
import { say } from "./say.js";

const PAGE = 200;
let next = 0;

function line(one) {
  return h("tr", {}, h("td", {}, moment(one.at)), h("td", {}, one.user || say("audit_log.nobody")), h("td", {}, one.action), h("td", {}, one.kind, " ", h("code", {}, (one.object_id ?? "").slice(0, 8))), h("td", {}, one.address));
}

async function load() {
  const found = await attempt(() => get(next ? `audit?${query({ after: next })}` : "audit"));
  if (!found) return;
  byId("lines").tBodies[0].append(...found.map(line));
  next = found.at(-1)?.id;
  byId("more").hidden = found.length < PAGE;
}

byId("more").addEventListener("click", load);
load();
