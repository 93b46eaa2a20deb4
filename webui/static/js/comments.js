// What people said of moments of a film: below its timeline, and as marks on it.

import { all, part, post, remove } from "./api.js";
import { ask, attempt } from "./dialogs.js";
import { button, h, show } from "./dom.js";
import { moment, seconds } from "./format.js";
import { say } from "./say.js";

export class Comments {
  /** `seek(time)` shows a moment of the recording, `now()` gives the one that is shown. */
  constructor(run, { seek, now }) {
    Object.assign(this, { run, seek, now, of: null });
    this.list = h("ul", { class: "comments" });
    this.text = h("textarea", { id: "comment", rows: 2, maxlength: 2000, required: true });
    this.add = h("button", { class: "small" }, say("comments.add"));
    this.form = h("form", { class: "commenting", hidden: run.can_edit === false, on: { submit: (event) => { event.preventDefault(); this.send(); } } },
      h("label", { for: "comment" }, say("comments.new")), this.text, this.add);
    this.element = h("section", { class: "said", "aria-labelledby": "comments-title" }, h("h3", { id: "comments-title" }, say("comments.title")), this.list, this.form);
    this.whole = attempt(() => all(`runs/${part(run.id)}/comments`)).then((found) => found ?? []);
  }

  /** Those on a recording, with marks on its timeline. */
  async open(recording, timeline) {
    Object.assign(this, { of: recording, timeline });
    show(this.list);
    const whole = await this.whole;
    if (this.of === recording) this.draw(whole);
  }

  draw(whole) {
    const mine = whole.filter((one) => one.recording_id === this.of).sort((a, b) => a.time_s - b.time_s);
    show(this.list, mine.map((one) => this.line(one)));
    this.element.hidden = !mine.length && this.form.hidden;
    this.timeline?.remark(mine.map((one) => one.time_s));
  }

  line(one) {
    const away = async () => {
      if (!await ask(say("comments.delete_title"), one.text, say("common.delete"))) return;
      if (await attempt(() => remove(`comments/${part(one.id)}`)) !== undefined) this.change((whole) => whole.filter((other) => other.id !== one.id));
    };
    const time = seconds(one.time_s);
    return h("li", {}, button(time, () => this.seek(one.time_s), { class: "small", "aria-label": say("comments.show", { time }) }),
      h("div", {}, h("p", {}, one.text), h("p", { class: "fine" }, say("comments.by", { user: one.user, when: moment(one.created) }))),
      one.can_delete ? button("×", away, { class: "small plain", "aria-label": say("comments.delete_of", { user: one.user, time }) }) : null);
  }

  async send() {
    const recording = this.of, text = this.text.value.replaceAll(/\s+/g, " ").trim();
    if (!text) return;
    this.add.disabled = true;
    const made = await attempt(() => post(`runs/${part(this.run.id)}/comments`, { recording_id: recording, time_s: this.now(), text }));
    this.add.disabled = false;
    if (!made) return;
    this.text.value = "";
    this.change((whole) => [...whole, made]);
  }

  async change(work) {
    const whole = work(await this.whole);
    this.whole = Promise.resolve(whole);
    this.draw(whole);
  }
}
