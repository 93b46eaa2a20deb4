// A notification of the browser when a run ends while nobody looks at its page.

import { byId } from "./dom.js";
import { say } from "./say.js";

const known = "Notification" in globalThis;

/** Offer to tell when the run ends; shown while it goes on and the person has not decided yet. */
export function offer(going) {
  byId("tell-me").hidden = !known || !going || Notification.permission !== "default";
}

export function listen() {
  byId("tell-me").addEventListener("click", async () => { if (await Notification.requestPermission()) offer(false); });
}

/** Tell how a run ended, where that was allowed and the page is not in sight. */
export function ended(run) {
  if (!known || Notification.permission !== "granted" || !document.hidden) return;
  const note = new Notification(say("run.ended", { name: run.name || say("run.unnamed") }), { body: say(`run.${run.status}`), tag: run.id });
  note.addEventListener("click", () => { focus(); note.close(); });
}
