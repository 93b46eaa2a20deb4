// The list of uploads: two at a time, with bytes, rate and the time that is left; it goes on after a reload when the same
// files are chosen again.

import { guess } from "./guess.js";
import { discard, fingerprint, unfinished, Upload } from "./tus.js";
import { UploadView } from "./uploadview.js";

const PARALLEL = 2;
export const RUNNING = new Set(["sending", "offline"]);

export class Uploads {
  /** `place` is where the list stands; `finished` is called after each file that has arrived, `more()` says what else goes with a file. */
  constructor({ study, place, limits, finished, more = () => ({}) }) {
    Object.assign(this, { study, limits, finished, more, all: [], halted: false, marks: [], view: new UploadView(this, place) });
    addEventListener("beforeunload", (event) => { if (this.open().length) event.preventDefault(); });
    setInterval(() => { if (this.open().length) this.measure(); }, 1000);
    this.draw();
  }

  open() { return this.all.filter((upload) => ["waiting", "sending", "offline", "paused"].includes(upload.state)); }

  /** Begin to send files; gives what was made of their names, in sentences. */
  async add(files) {
    const { guesses, said } = await guess(files.map(({ path }) => path)).catch(() => ({ guesses: [], said: [] }));
    const present = new Set(this.all.filter((upload) => upload.state !== "cancelled" && upload.state !== "failed").map((upload) => upload.key));
    for (const [place, { file, path }] of files.entries()) {
      if (present.has(fingerprint(this.study, path, file))) continue;
      const metadata = { filename: file.name, relativePath: path, ...guesses[place], ...this.more() };
      this.all.push(new Upload({ study: this.study, file, path, metadata, chunk: this.limits.chunk_bytes, largest: this.limits.largest_chunk_bytes, changed: (upload) => this.change(upload) }));
    }
    this.next();
    return said;
  }

  next() {
    const busy = this.all.filter((upload) => RUNNING.has(upload.state)).length;
    if (!this.halted) for (const upload of this.all.filter((one) => one.state === "waiting").slice(0, PARALLEL - busy)) upload.start();
    this.draw();
  }

  change(upload) {
    if (upload.state === "done" && !upload.told) { upload.told = true; this.finished(upload); }
    if (!RUNNING.has(upload.state)) queueMicrotask(() => this.next());
    this.draw();
  }

  halt(on) {
    this.halted = on;
    for (const upload of this.all) {
      if (on) upload.pause();
      else if (upload.state === "paused") upload.state = "waiting";
    }
    this.marks = [];
    this.next();
  }

  total() {
    const counted = this.all.filter((upload) => upload.state !== "cancelled" && upload.state !== "failed");
    return { size: counted.reduce((sum, one) => sum + one.file.size, 0), sent: counted.reduce((sum, one) => sum + one.sent, 0),
      done: counted.filter((one) => one.state === "done").length, count: counted.length };
  }

  measure() {
    this.marks.push({ at: performance.now() / 1000, sent: this.total().sent });
    this.marks = this.marks.slice(-8);
    this.draw();
  }

  /** Bytes a second over the last seconds; NaN before it is known. */
  rate() {
    const first = this.marks[0], last = this.marks.at(-1);
    return first && last.at > first.at + 0.5 && last.sent > first.sent ? (last.sent - first.sent) / (last.at - first.at) : NaN;
  }

  /** Uploads that a reload interrupted: only their addresses are left, the files must be chosen again. */
  interrupted() {
    const present = new Set(this.all.map((upload) => upload.key));
    return unfinished(this.study).filter((one) => !present.has(one.key));
  }

  forget() {
    for (const one of this.interrupted()) discard(one);
    this.draw();
  }

  dismiss(upload) {
    if (upload.state === "failed") this.all = this.all.filter((one) => one !== upload);
    else upload.cancel();
    this.draw();
  }

  again(upload) {
    upload.state = "waiting";
    this.next();
  }

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => { this.drawing = null; this.view.paint(); });
  }
}
