// What else may be said of a recording: the part that counts, its clock, the files that go with it, and further columns.

import { get, patch } from "./api.js";
import { attempt, open } from "./dialogs.js";
import { button, h, show } from "./dom.js";
import { say } from "./say.js";
import { Upload } from "./tus.js";

const NUMBERS = ["given_fps", "start_s", "end_s", "dose"], FILES = ["keypoints", "mask"];
const ENDINGS = { keypoints: ".csv,.tsv,.txt,.h5,.hdf5,.slp", mask: "video/*,.json" };

/** Opens the dialog; resolves when something was saved. */
export async function showDetails(study, recording, editable, limits) {
  const known = await attempt(() => get(`studies/${study}/companions`)) ?? [];
  return new Promise((done) => new Details(study, recording, editable, limits, known, done));
}

class Details {
  constructor(study, recording, editable, limits, known, done) {
    Object.assign(this, { study, recording, limits, known, done });
    this.words = h("p", { class: "fine", role: "status" });
    this.numbers = Object.fromEntries(NUMBERS.map((name) => [name, h("input", { id: `detail-${name}`, inputmode: "decimal", autocomplete: "off", value: recording[name] ?? "", disabled: !editable })]));
    this.files = Object.fromEntries(FILES.map((kind) => [kind, h("select", { id: `detail-${kind}`, disabled: !editable })]));
    for (const kind of FILES) this.list(kind, recording[kind]);
    const extra = Object.entries(recording.extra ?? {});
    this.dialog = open(say("details.title", { name: recording.file_name }), h("form", { on: { submit: (event) => { event.preventDefault(); this.save(); } } },
      h("div", { class: "fields" }, NUMBERS.map((name) => this.field(name, this.numbers[name]))),
      h("div", { class: "fields" }, FILES.map((kind) => this.field(kind, this.files[kind], editable ? this.adder(kind) : null))),
      recording.keypoints && recording.keypoints_said && recording.keypoints_said !== "ok" ? h("p", { class: "note" }, recording.keypoints_said) : null,
      extra.length ? h("dl", { class: "facts" }, extra.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value || say("table.none"))))) : null, this.words,
      h("div", { class: "row end" }, button(say("common.cancel"), () => this.dialog.close()), editable ? h("button", { class: "main" }, say("common.save")) : null)), { class: "large" });
    this.dialog.addEventListener("close", () => { if (this.dialog.returnValue === "saved") done(); });
  }

  field(name, input, more) {
    return h("div", { class: "field" }, h("label", { for: input.id }, say(`details.${name}`)), h("p", { class: "fine" }, say(`details.${name}_words`)), input, more);
  }

  list(kind, value) {
    const names = [...new Set([...this.known.filter((one) => one.kind === kind).map((one) => one.file_name), ...(value ? [value] : [])])];
    show(this.files[kind], h("option", { value: "" }, say("details.no_file")), names.map((name) => h("option", { value: name, selected: name === value }, name)));
    this.files[kind].value = value ?? "";
  }

  adder(kind) {
    const input = h("input", { type: "file", accept: ENDINGS[kind], hidden: true, "aria-label": say("details.add", { kind: say(`details.${kind}`) }) });
    input.addEventListener("change", () => { if (input.files[0]) this.send(kind, input.files[0]); });
    return [input, button(say("details.add", { kind: say(`details.${kind}`) }), () => input.click(), { class: "small" })];
  }

  /** Send a file; when it is there it is chosen. */
  send(kind, file) {
    const metadata = { filename: file.name, kind, recording: this.recording.id };
    const changed = (upload) => {
      this.words.textContent = upload.state === "failed" ? upload.error : upload.state === "done" ? say("details.sent", { name: file.name }) : say("details.sending", { name: file.name });
      if (upload.state !== "done") return;
      this.known.push({ kind, file_name: file.name });
      this.list(kind, file.name);
      this.dialog.returnValue = "saved";
    };
    new Upload({ study: this.study, file, path: `${kind}/${file.name}`, metadata, chunk: this.limits.chunk_bytes, largest: this.limits.largest_chunk_bytes, changed }).start();
  }

  async save() {
    const numbers = Object.fromEntries(NUMBERS.map((name) => [name, this.numbers[name].value.trim() === "" ? null : Number(this.numbers[name].value.replace(",", "."))]));
    const wrong = NUMBERS.find((name) => Number.isNaN(numbers[name]));
    for (const name of NUMBERS) if (name === wrong) this.numbers[name].setAttribute("aria-invalid", "true"); else this.numbers[name].removeAttribute("aria-invalid");
    if (wrong) { this.words.textContent = say("details.wrong", { name: say(`details.${wrong}`), value: this.numbers[wrong].value }); return; }
    const values = { ...numbers, ...Object.fromEntries(FILES.map((kind) => [kind, this.files[kind].value])) };
    const changed = Object.fromEntries(Object.entries(values).filter(([name, value]) => (this.recording[name] ?? (name in this.files ? "" : null)) !== value));
    if (Object.keys(changed).length && await attempt(() => patch(`studies/${this.study}/recordings/${this.recording.id}`, changed)) === undefined) return;
    this.dialog.close("saved");
  }
}
