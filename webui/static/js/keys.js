// Keys of the film on a page of results: space plays, arrows go a fifth of a second, comma and full stop a frame.

const OWN = "input, select, textarea, button, a, summary, video, dialog, [role=slider], canvas[tabindex], [contenteditable]";
const STEP_S = 0.2;

/** What a key asks of the film; null where it is not for the film. */
export function wished(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(OWN)) return null;
  return { " ": { toggle: true }, ArrowRight: { seconds: STEP_S }, ArrowLeft: { seconds: -STEP_S }, ".": { frames: 1 }, ",": { frames: -1 } }[event.key] ?? null;
}

/** Let keys move `viewer()`'s film. */
export function listenToKeys(viewer) {
  document.addEventListener("keydown", (event) => {
    const wish = wished(event), film = viewer();
    if (!wish || !film?.playing) return;
    event.preventDefault();
    if (wish.toggle) film.player.toggle();
    else film.player.step(wish.seconds ?? wish.frames / film.rate());
  });
}
