// Which files are films, and what their names and folders say: subject, group, session, day. A person mends what is wrong.

import { suffixes } from "/texts.js";
import { post } from "./api.js";

const TOGETHER = 5000; // paths that the server takes at once

export const isVideo = (name) => suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));
export const isTable = (name) => /\.(csv|tsv)$/i.test(name);

/** What the server makes of paths such as "healthy/mouse3_day2.mp4", seen together: [{subject, group, session, day}] and sentences. */
export async function guess(paths) {
  const found = { guesses: [], said: [] };
  for (let start = 0; start < paths.length; start += TOGETHER) {
    const { guesses, said } = await post("guesses", { paths: paths.slice(start, start + TOGETHER) });
    found.guesses.push(...guesses);
    found.said.push(...said);
  }
  return found;
}
