// Files and folders from a drop or a chooser, each with its path inside what was dropped.

export const SYSTEM = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX)/i;

function readAll(reader) {
  return new Promise((done, failed) => {
    const all = [];
    const next = () => reader.readEntries((some) => { if (some.length) { all.push(...some); next(); } else done(all); }, failed);
    next();
  });
}

async function walk(entry, folder) {
  if (SYSTEM.test(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ file, path: folder + entry.name }];
  }
  const inside = [];
  for (const child of await readAll(entry.createReader())) inside.push(...await walk(child, `${folder}${entry.name}/`));
  return inside;
}

/** What a drop brought: [{file, path}], folders walked to their ends. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) found.push(...await walk(entry, ""));
  return found;
}

/** What a file chooser brought. */
export const chosen = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(({ file }) => !SYSTEM.test(file.name));
