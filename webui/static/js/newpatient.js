// Begin a patient: a pseudonym and the named reference that the visits are compared with.

import { all, post } from "./api.js";
import { attempt, open } from "./dialogs.js";
import { button, byId, h } from "./dom.js";
import { date } from "./format.js";
import { say } from "./say.js";

/** Show the button where there is a reference to compare with. */
export async function offerPatients() {
  const references = await attempt(() => all("references")) ?? [];
  byId("new-patient").hidden = references.length === 0;
  byId("new-patient").addEventListener("click", () => ask(references));
}

function ask(references) {
  const name = h("input", { id: "pseudonym", required: true, maxlength: 200, autocomplete: "off" });
  const reference = h("select", { id: "reference" }, references.map((one) => h("option", { value: one.id }, say("patient.reference_line", { name: one.name, n: one.subjects, group: one.group, date: date(one.created), version: one.version }))));
  const begin = async (event) => {
    event.preventDefault();
    const made = await attempt(() => post("patients", { pseudonym: name.value.trim(), reference: reference.value }));
    if (made) location.assign(`/patients/${made.id}`);
  };
  const box = open(say("patient.new"), h("form", { on: { submit: begin } },
    h("div", { class: "field" }, h("label", { for: "pseudonym" }, say("patient.pseudonym")), h("p", { class: "fine" }, say("patient.pseudonym_words")), name),
    h("div", { class: "field" }, h("label", { for: "reference" }, say("patient.reference")), reference),
    h("div", { class: "row end" }, button(say("common.cancel"), () => box.close()), h("button", { class: "main" }, say("studies.begin")))));
}
