// One upload by the tus 1.0 protocol, core and creation: in chunks, paused and resumed at will, and after a lost
// connection or a reload from where the server has it. The address of a begun upload is kept under a fingerprint of the file.

import { ApiError, me } from "./api.js";
import { say } from "./say.js";

const PREFIX = "ubam-upload:";
const GROW_S = 1.5, SHRINK_S = 8; // a piece that took less is followed by one twice as large, one that took more by half
const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

export const fingerprint = (study, path, file) => `${PREFIX}${study}:${path}:${file.size}:${file.lastModified}`;

/** Uploads to this study that were begun in this browser and not finished: [{key, path, size, sent}]. */
export function unfinished(study) {
  return Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${study}:`)).map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }));
}

/** Give up an upload that was begun before a reload: here and on the server. */
export async function discard({ key, url }) {
  localStorage.removeItem(key);
  await fetch(url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": (await me()).csrf ?? "" } }).catch(() => {});
}

export class Upload {
  /** state: waiting, sending, paused, offline, done or failed; `changed` is called whenever something did. */
  constructor({ study, file, path, metadata, chunk, largest, changed }) {
    Object.assign(this, { study, file, path, metadata, chunk, least: chunk, largest: largest ?? chunk, changed, state: "waiting", sent: 0, error: null });
    this.key = fingerprint(study, path, file);
    this.url = JSON.parse(localStorage.getItem(this.key) ?? "{}").url ?? null;
  }

  async start() {
    this.set("sending");
    for (let wait = 1; this.state === "sending" || this.state === "offline"; wait = Math.min(2 * wait, 30)) {
      try {
        await this.find();
        while (this.state === "sending" && this.sent < this.file.size) { await this.sendChunk(); wait = 1; }
        if (this.state === "sending") this.finish();
      } catch (error) {
        if (this.state !== "sending") return;
        if (error.status === 409) continue;
        if (error.status >= 400 && error.status < 500 && error.status !== 429) { this.error = error.message; this.set("failed"); return; }
        this.set("offline");
        await this.pauseFor(error.retry ?? wait);
        if (this.state === "offline") this.set("sending");
      }
    }
  }

  pause() {
    if (this.state !== "sending" && this.state !== "offline") return;
    this.set("paused");
    this.request?.abort();
    this.wake?.();
  }

  async cancel() {
    this.pause();
    localStorage.removeItem(this.key);
    this.set("cancelled");
    if (this.url) await this.ask("DELETE", this.url).catch(() => {});
  }

  set(state) { this.state = state; this.changed(this); }

  finish() {
    localStorage.removeItem(this.key);
    this.set("done");
  }

  pauseFor(seconds) {
    return new Promise((go) => {
      this.wake = () => { clearTimeout(timer); removeEventListener("online", this.wake); go(); };
      const timer = setTimeout(this.wake, 1000 * seconds);
      addEventListener("online", this.wake);
    });
  }

  /** Ask the server how much it has, or begin: afterwards `sent` is the truth. */
  async find() {
    if (this.url) {
      const answer = await this.ask("HEAD", this.url).catch((error) => { if (error.status >= 400 && error.status < 500 && error.status !== 429) return null; throw error; });
      if (answer) { this.sent = Number(answer.getResponseHeader("Upload-Offset")); this.changed(this); return; }
    }
    const pairs = Object.entries(this.metadata).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    const answer = await this.ask("POST", `/api/v1/studies/${this.study}/uploads`, null, {
      "Upload-Length": String(this.file.size),
      "Upload-Metadata": pairs.map(([name, value]) => `${name} ${encode(String(value))}`).join(","),
    });
    this.url = new URL(answer.getResponseHeader("Location"), location.href).pathname;
    this.sent = 0;
    this.remember();
  }

  remember() { localStorage.setItem(this.key, JSON.stringify({ url: this.url, path: this.path, size: this.file.size, sent: this.sent })); }

  async sendChunk() {
    const from = this.sent;
    const piece = this.file.slice(from, from + this.chunk), began = performance.now();
    const answer = await this.ask("PATCH", this.url, piece, { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" },
      (done) => { this.sent = from + done; this.changed(this); });
    this.sent = Number(answer.getResponseHeader("Upload-Offset"));
    this.resize((performance.now() - began) / 1000);
    this.remember();
    this.changed(this);
  }

  /** Larger pieces cost fewer questions, smaller ones lose less when the connection breaks. */
  resize(seconds) {
    if (seconds < GROW_S) this.chunk = Math.min(2 * this.chunk, this.largest);
    else if (seconds > SHRINK_S) this.chunk = Math.max(this.chunk / 2, this.least);
  }

  async ask(method, url, body = null, headers = {}, progress = null) {
    const { csrf } = await me();
    return new Promise((good, bad) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open(method, url);
      for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", "X-CSRFToken": csrf ?? "", ...headers })) request.setRequestHeader(name, value);
      if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
      request.addEventListener("load", () => (request.status < 300 ? good(request) : bad(refusal(request))));
      for (const end of ["error", "abort", "timeout"]) request.addEventListener(end, () => bad(new ApiError(0, say("common.no_connection"))));
      request.send(body);
    });
  }
}

function refusal(request) {
  let sentence = null;
  try { sentence = JSON.parse(request.responseText).error; } catch { /* an answer of a proxy: its status says enough */ }
  const error = new ApiError(request.status, sentence ?? say("common.server_error", { status: request.status }));
  const retry = Number(request.getResponseHeader("Retry-After"));
  if (retry > 0) error.retry = retry;
  return error;
}
