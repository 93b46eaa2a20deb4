// Elements made in code: text is always text, never markup, so that no name of a file or study can become part of the page.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, work] of Object.entries(value)) element.addEventListener(event, work);
    else if (name === "style") for (const [rule, set] of Object.entries(value)) element.style.setProperty(rule, set);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
export const byId = (id) => document.getElementById(id);

/** Replace the content of `element`; what is absent (null, false) is left out. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const button = (words, work, props = {}) => h("button", { type: "button", ...props, on: { click: work } }, words);
export const link = (words, href, props = {}) => h("a", { href, ...props }, words);
export const bar = (share, label, props = {}) => h("progress", { max: 1, value: Math.max(0, Math.min(1, share || 0)), "aria-label": label, ...props });

/** Groups have colours: grey for the reference, then one each in the order of their names. */
export function groupClasses(groups, reference) {
  const others = [...new Set(groups)].filter((group) => group !== reference).sort();
  return (group) => (group === reference ? "ref" : `g${others.indexOf(group) % 6}`);
}

/** On a narrow screen every row of a table becomes a block, in which each cell says which column it is of. */
export function stacked(table) {
  const role = (element, name) => element.setAttribute("role", name), [head] = table.tHead.rows;
  table.classList.add("stacked");
  role(table, "table");
  for (const part of [table.tHead, ...table.tBodies]) role(part, "rowgroup");
  for (const row of table.rows) role(row, "row");
  const names = [...head.cells].map((cell) => { role(cell, "columnheader"); return cell.querySelector(".sr") ? null : cell.textContent; });
  for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
    [...row.cells].forEach((cell, place) => { role(cell, cell.tagName === "TH" ? "rowheader" : "cell"); if (names[place]) cell.dataset.label = names[place]; });
  }
}
