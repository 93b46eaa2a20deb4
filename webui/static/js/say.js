// The texts of the page, from texts.toml or another language's file; a text with forms for none, one and many is chosen by `n`.

import { language, texts } from "/texts.js";

const forms = new Intl.PluralRules(language);

function find(key) {
  const text = key.split(".").reduce((level, name) => level?.[name], texts);
  if (text === undefined) throw new Error(`There is no text "${key}" in texts.toml.`);
  return text;
}

export function say(key, values = {}) {
  const text = find(key);
  const chosen = typeof text === "string" ? text : (values.n === 0 && text.zero) || (text[forms.select(values.n)] ?? text.other);
  return chosen.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A text that need not exist, such as the words for a stage that a later server may add. */
export function sayOr(key, fallback) {
  try { return say(key); } catch { return fallback; }
}
