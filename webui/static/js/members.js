// Who may see or change a study, by name.

import { put } from "./api.js";
import { ask, attempt, open, tell } from "./dialogs.js";
import { button, h, show } from "./dom.js";
import { say } from "./say.js";

export class Members {
  constructor(study) {
    this.study = study;
    this.members = (study.members ?? []).map((member) => ({ ...member }));
    this.list = h("ul", { class: "members" });
    this.name = h("input", { id: "member", maxlength: 100, autocomplete: "off" });
    this.heir = h("input", { id: "heir", maxlength: 100, autocomplete: "off" });
    const form = h("form", { class: "row low", on: { submit: (event) => { event.preventDefault(); this.add(); } } }, h("div", { class: "grow" }, h("label", { for: "member" }, say("members.name")), this.name), h("button", {}, say("members.add")));
    this.dialog = open(say("members.title", { name: study.name }), [h("p", { class: "soft" }, say("members.words")), this.list, form,
      h("div", { class: "row low" }, h("div", { class: "grow" }, h("label", { for: "heir" }, say("members.hand_over")), this.heir), button(say("members.hand"), () => this.handOver())),
      h("div", { class: "row end" }, button(say("common.cancel"), () => this.dialog.close()), button(say("common.save"), () => this.save(), { class: "main" }))]);
    this.draw();
  }

  add() {
    const name = this.name.value.trim();
    if (name && !this.members.some((member) => member.name === name)) this.members.push({ name, role: "viewer" });
    this.name.value = "";
    this.draw();
  }

  draw() {
    show(this.list, this.members.length ? this.members.map((member) => this.line(member)) : h("li", { class: "fine" }, say("members.nobody")));
  }

  line(member) {
    const role = h("select", { "aria-label": say("members.role_of", { name: member.name }), on: { change: () => { member.role = role.value; } } },
      ["viewer", "editor"].map((value) => h("option", { value, selected: member.role === value }, say(`members.${value}`))));
    const away = button("×", () => { this.members = this.members.filter((one) => one !== member); this.draw(); }, { class: "small plain", "aria-label": say("members.remove", { name: member.name }) });
    return h("li", { class: "row" }, h("span", { class: "grow" }, member.name), role, away);
  }

  async handOver() {
    const name = this.heir.value.trim();
    if (!name || !await ask(say("members.hand_title", { name }), say("members.hand_words"), say("members.hand"))) return;
    if (await attempt(() => put(`studies/${this.study.id}/owner`, { name })) !== undefined) location.reload();
  }

  async save() {
    if (this.name.value.trim()) this.add();
    const saved = await attempt(() => put(`studies/${this.study.id}/members`, this.members));
    if (saved === undefined) return;
    this.study.members = this.members;
    this.dialog.close();
    tell(say("members.saved"));
  }
}
