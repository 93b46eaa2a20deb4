"use strict";
/* Clips lie in the page as base64 text and become videos when they come into view. */
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function load(video) {
  if (video.src) return;
  const text = document.getElementById(video.dataset.clip);
  const bytes = Uint8Array.from(atob(text.textContent.trim()), (c) => c.charCodeAt(0));
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  text.remove();
}

const inView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) load(target);
    if (!target.classList.contains("magnified") || still) continue;
    if (isIntersecting) { if (!target.dataset.stopped) target.play().catch(() => {}); }
    else if (!target.paused) { target.dataset.leaving = "1"; target.pause(); }
  }
}, { rootMargin: "150px" });

for (const video of document.querySelectorAll("video")) {
  inView.observe(video);
  video.addEventListener("pause", () => {
    if (video.dataset.leaving) delete video.dataset.leaving;
    else video.dataset.stopped = "1";
  });
  video.addEventListener("play", () => delete video.dataset.stopped);
}

/* Buttons below each clip in place of the browser's own, which cover a small picture. */
function button(words, label, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", () => work(made));
  return made;
}

for (const video of document.querySelectorAll("video")) {
  video.removeAttribute("controls");
  const bar = document.createElement("div");
  bar.className = "bar";
  const toggle = () => { load(video); if (video.paused) video.play(); else video.pause(); };
  const play = button("Play", null, toggle);
  play.className = "play";
  for (const name of ["play", "pause"]) video.addEventListener(name, () => { play.textContent = video.paused ? "Play" : "Pause"; });
  video.addEventListener("click", toggle);
  bar.append(play);
  if (video.classList.contains("magnified")) {
    const scrub = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1000, value: 0 });
    scrub.setAttribute("aria-label", "Place in the clip");
    scrub.addEventListener("input", () => { load(video); video.pause(); if (video.duration) video.currentTime = video.duration * scrub.value / 1000; });
    const follow = () => { if (video.duration) scrub.value = 1000 * video.currentTime / video.duration; if (!video.paused) requestAnimationFrame(follow); };
    video.addEventListener("play", follow);
    bar.append(scrub);
  }
  const speeds = [1, 0.5, 0.25];
  bar.append(button("Speed 1", "Speed of playing", (made) => {
    const next = speeds[(speeds.indexOf(video.playbackRate) + 1) % speeds.length];
    video.playbackRate = video.defaultPlaybackRate = next;
    made.textContent = `Speed ${{ 1: "1", 0.5: "½", 0.25: "¼" }[next]}`;
  }));
  if (video.requestFullscreen) bar.append(button("Larger", "Fill the screen", () => { load(video); video.requestFullscreen(); }));
  video.after(bar);
}

/* A timeline seeks its recording, and a cursor on it follows the playback; the clock ties their times together. */
function along(pairs, from, to, value) {
  let i = 1;
  while (i < pairs.length - 1 && pairs[i][from] < value) i += 1;
  const a = pairs[i - 1], b = pairs[i];
  return a[to] + (b[from] > a[from] ? (b[to] - a[to]) * (value - a[from]) / (b[from] - a[from]) : 0);
}

for (const moments of document.querySelectorAll(".moments")) {
  const begin = Number(moments.dataset.begin), span = Number(moments.dataset.span);
  const area = moments.querySelector(".area"), cursor = moments.querySelector(".cursor");
  const video = moments.querySelector("video");
  const clock = JSON.parse(moments.dataset.clock);
  let shown = begin;

  const place = (time) => {
    shown = Math.min(begin + span, Math.max(begin, time));
    cursor.hidden = false;
    cursor.style.left = `${100 * (shown - begin) / span}%`;
    area.setAttribute("aria-valuenow", shown.toFixed(2));
    area.setAttribute("aria-valuetext", `${shown.toFixed(1)} seconds`);
  };
  const seek = (time) => {
    place(time);
    for (const peak of moments.querySelectorAll(".peak")) peak.classList.toggle("now", Math.abs(peak.dataset.time - shown) < 0.02);
    if (!video) return;
    load(video);
    video.currentTime = Math.max(0, along(clock, 0, 1, shown));
  };
  moments.seek = seek;

  const at = (event) => {
    const box = area.getBoundingClientRect();
    return begin + span * (event.clientX - box.left) / box.width;
  };
  area.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".peak")) return;
    area.setPointerCapture(event.pointerId);
    seek(at(event));
  });
  area.addEventListener("pointermove", (event) => { if (area.hasPointerCapture(event.pointerId)) seek(at(event)); });
  area.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 0.2, ArrowLeft: -0.2, ArrowUp: 0.2, ArrowDown: -0.2, PageUp: 2, PageDown: -2 }[event.key];
    if (event.target !== area) return;
    if (step) seek(shown + step);
    else if (event.key === "Home") seek(begin);
    else if (event.key === "End") seek(begin + span);
    else if ((event.key === " " || event.key === "Enter") && video) video.paused ? (load(video), video.play()) : video.pause();
    else return;
    event.preventDefault();
  });
  if (video) {
    const now = () => along(clock, 1, 0, video.currentTime);
    const follow = () => { place(now()); if (!video.paused) requestAnimationFrame(follow); };
    video.addEventListener("play", follow);
    video.addEventListener("seeked", () => place(now()));
  }
}

for (const button of document.querySelectorAll("[data-player]")) {
  button.addEventListener("click", () => {
    const moments = document.getElementById(button.dataset.player);
    if (!moments) return;
    moments.seek(Number(button.dataset.time));
    if (button.classList.contains("seek")) moments.scrollIntoView({ block: "nearest" });
  });
}

/* One subject at a time on the maps. */
for (const key of document.querySelectorAll(".of-subject .key")) {
  key.addEventListener("click", () => {
    const map = key.closest(".map"), on = key.getAttribute("aria-pressed") !== "true";
    for (const other of map.querySelectorAll(".key[data-subject]")) other.setAttribute("aria-pressed", String(on && other === key));
    map.querySelector("svg").classList.toggle("picked", on);
    for (const path of map.querySelectorAll("path")) path.classList.toggle("on", path.dataset.subject === key.dataset.subject);
  });
}

/* Which moment a dot of a map is; a click shows it where the page has the recording. */
for (const map of document.querySelectorAll(".map")) {
  const svg = map.querySelector("svg"), under = map.querySelector(".under");
  const dots = [];
  for (const path of svg.querySelectorAll("path")) {
    const times = path.dataset.times ? path.dataset.times.split(" ") : [];
    [...path.getAttribute("d").matchAll(/M(-?\d+) (-?\d+)/g)].forEach((at, i) => dots.push({ x: +at[1], y: +at[2], time: times[i], path }));
  }
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "hovered");
  ring.setAttribute("r", "12");
  const names = new Map([...map.querySelectorAll(".of-subject .key")].map((key) => [key.dataset.subject, key.textContent]));
  const movie = (dot) => dot && document.querySelector(`.moments[data-recording="${CSS.escape(dot.path.dataset.recording)}"]`);
  let near = null;

  const rest = () => { near = null; ring.remove(); under.textContent = under.dataset.rest; svg.style.cursor = ""; };
  const find = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let best = 40 * 40;
    near = null;
    for (const dot of dots) {
      const far = (dot.x - at.x) ** 2 + (dot.y - at.y) ** 2;
      if (far < best) { best = far; near = dot; }
    }
    if (!near) return rest();
    ring.setAttribute("cx", near.x);
    ring.setAttribute("cy", near.y);
    svg.append(ring);
    const who = document.createElement("b");
    who.textContent = names.get(near.path.dataset.subject) ?? "";
    const words = near.time === undefined ? "" : ` at ${Number(near.time).toFixed(1)} s`;
    under.replaceChildren(who, `${words}, recording ${near.path.dataset.recording}${movie(near) ? "; click to see it" : ""}`);
    svg.style.cursor = movie(near) ? "pointer" : "";
  };
  rest();
  svg.addEventListener("pointermove", find);
  svg.addEventListener("pointerleave", rest);
  svg.addEventListener("click", () => {
    const moments = movie(near);
    if (!moments || near.time === undefined) return;
    const folded = moments.closest("details");
    if (folded) folded.open = true;
    moments.seek(Number(near.time));
    moments.scrollIntoView({ block: "center" });
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = "Copied";
  });
}

addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
