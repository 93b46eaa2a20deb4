// Which colour is which group.

import { h } from "./dom.js";
import { say } from "./say.js";

export const keyOf = (name, kind) => h("span", { class: `key ${kind}` }, h("i"), name);

export function groupKeys({ subjects, reference, classes }) {
  const groups = [...new Set(subjects.map((row) => row.group))].sort((a, b) => (b === reference) - (a === reference) || a.localeCompare(b));
  return h("p", { class: "legend" }, groups.map((group) => keyOf(group === reference ? say("results.reference", { group }) : group, classes(group))));
}
