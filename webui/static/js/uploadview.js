// How the uploads look. Rows stay the same elements while their numbers change, so that a button can be pressed at any time.

import { bar, button, h, show } from "./dom.js";
import { bytes, left, percent } from "./format.js";
import { say } from "./say.js";

const SHOWN = 6;

export class UploadView {
  constructor(uploads, place) {
    Object.assign(this, { uploads, place, rows: new Map(), marked: null });
    this.words = h("p", { class: "words" });
    this.switcher = button("", () => uploads.halt(!uploads.halted), { class: "small" });
    this.bar = bar(0, say("upload.progress"));
    this.sum = h("div", { class: "sum" }, h("div", { class: "row" }, this.words, this.switcher), this.bar);
    this.list = h("div", { class: "ups" });
    this.more = h("p", { class: "fine" });
    this.note = h("div", { class: "note" });
    place.append(this.sum, this.list, this.more, this.note);
  }

  paint() {
    const open = this.uploads.open(), interrupted = this.uploads.interrupted();
    const failed = this.uploads.all.filter((upload) => upload.state === "failed");
    this.place.hidden = !open.length && !failed.length && !interrupted.length;
    this.sum.hidden = !open.length;
    if (open.length) this.summary(open);
    const busy = open.filter((upload) => upload.state !== "waiting"), waiting = open.filter((upload) => upload.state === "waiting");
    this.lines([...busy, ...waiting].slice(0, SHOWN).concat(failed));
    this.more.hidden = open.length <= SHOWN;
    this.more.textContent = say("upload.more_waiting", { n: open.length - SHOWN });
    this.interrupted(interrupted);
  }

  summary(open) {
    const { size, sent, done, count } = this.uploads.total();
    const rate = this.uploads.rate();
    const words = [say("upload.files", { done, n: count }), say("upload.bytes", { sent: bytes(sent), size: bytes(size) })];
    if (this.uploads.halted) words.push(say("upload.paused"));
    else if (open.some((upload) => upload.state === "offline")) words.push(say("upload.offline"));
    else if (Number.isFinite(rate)) words.push(`${bytes(rate)}/s`, left((size - sent) / rate));
    show(this.words, h("b", {}, percent(sent / size)), ` ${words.join(" · ")}`);
    this.switcher.textContent = this.uploads.halted ? say("upload.resume") : say("upload.pause");
    this.bar.value = size ? sent / size : 0;
  }

  lines(shown) {
    for (const [upload, row] of this.rows) if (!shown.includes(upload)) { row.line.remove(); this.rows.delete(upload); }
    shown.forEach((upload, place) => {
      if (!this.rows.has(upload)) this.rows.set(upload, this.row(upload));
      const row = this.rows.get(upload);
      if (this.list.children[place] !== row.line) this.list.insertBefore(row.line, this.list.children[place] ?? null);
      this.update(upload, row);
    });
  }

  row(upload) {
    const words = h("span", { class: "fine" }), progress = bar(0, say("upload.of", { name: upload.path }));
    const again = button(say("upload.again"), () => this.uploads.again(upload), { class: "small plain" });
    const stop = button("×", () => this.uploads.dismiss(upload), { class: "small plain", "aria-label": say("upload.cancel", { name: upload.path }) });
    return { words, progress, again, line: h("div", {}, h("span", { class: "name" }, upload.path), words, progress, again, stop) };
  }

  update(upload, { line, words, progress, again }) {
    const states = { waiting: say("upload.waiting"), paused: say("upload.paused"), offline: say("upload.offline"), failed: upload.error };
    line.className = `up ${upload.state}`;
    words.textContent = states[upload.state] ?? say("upload.bytes", { sent: bytes(upload.sent), size: bytes(upload.file.size) });
    progress.value = upload.file.size ? upload.sent / upload.file.size : 0;
    again.hidden = upload.state !== "failed";
  }

  interrupted(waiting) {
    const mark = JSON.stringify(waiting.map((one) => one.key));
    if (mark === this.marked) return;
    this.marked = mark;
    this.note.hidden = !waiting.length;
    const line = (one) => h("li", {}, one.path, " ", h("span", { class: "fine" }, say("upload.bytes", { sent: bytes(one.sent), size: bytes(one.size) })));
    show(this.note, h("p", {}, h("b", {}, say("upload.interrupted", { n: waiting.length }))), h("ul", {}, waiting.slice(0, 5).map(line)),
      h("p", {}, say("upload.choose_again")), button(say("upload.forget"), () => this.uploads.forget(), { class: "small" }));
  }
}
