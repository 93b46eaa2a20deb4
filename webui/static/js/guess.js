// What the name and the folder of a file say about it: subject, group, session, day. A person mends what is wrong.

const VIDEO = /\.(mp4|m4v|mov|avi|mkv|webm|mpg|mpeg|wmv|mts|m2ts|ts|ogv|3gp|flv|mj2|y4m|mjpeg)$/i;
const SESSION = /[_\-. ](?:(?:session|sess|ses|trial|run|rec|take|s|t)[_\-]?(\d+))$/i;
const DAY = /[_\-. ]?(?:day|tag|d)[_\-]?(-?\d+)(?=$|[_\-. ])/i;
const PLAIN = /^(videos?|recordings?|data|raw|mp4s?|files?)$/i;

export const isVideo = (name) => VIDEO.test(name);
export const isTable = (name) => /\.(csv|tsv)$/i.test(name);

/** relativePath such as "study/healthy/mouse3_day2.mp4" -> {subject: "mouse3", group: "healthy", session: "", day: "2"}. */
export function guess(relativePath) {
  const parts = relativePath.split("/").filter(Boolean);
  let stem = parts.pop().replace(/\.[^.]*$/, "");
  const folders = parts.filter((folder) => !PLAIN.test(folder));
  const found = { subject: "", group: "", session: "", day: "" };
  const day = stem.match(DAY) ?? null;
  if (day && day.index > 0) { found.day = day[1]; stem = stem.replace(day[0], ""); }
  const session = stem.match(SESSION);
  if (session) { found.session = session[1]; stem = stem.slice(0, session.index); }
  const folderDay = folders.findIndex((folder) => /^(day|tag|d)[_\- ]?-?\d+$/i.test(folder));
  if (folderDay >= 0) found.day ||= folders.splice(folderDay, 1)[0].match(/-?\d+/)[0];
  found.subject = stem.replace(/[_\-. ]+$/, "") || parts.at(-1) || "";
  found.group = groupOf(folders, found, stem);
  return found;
}

// healthy/mouse3.mp4: the folder is the group. healthy/mouse3/session1.mp4: the one above the subject's own is.
function groupOf(folders, found, stem) {
  if (/^(session|sess|ses|trial|run|rec|take|video|gait|walk)?[_\-]?\d*$/i.test(stem) && folders.length >= 2) {
    found.subject = folders.at(-1);
    found.session ||= stem.match(/\d+$/)?.[0] ?? "";
    return folders.at(-2);
  }
  return folders.at(-1) ?? "";
}
