// Ask again each second, for as long as `work` says so; a lost connection is asked again more slowly, never given up.

export function poll(work, every = 1000) {
  let timer = null, stopped = false, pause = every;
  const round = async () => {
    timer = null;
    let more = true;
    try {
      more = await work();
      pause = every;
    } catch (error) {
      if (error.status === undefined) console.error(error); // a fault of the page itself
      if (error.status && error.status < 500 && error.status !== 429) more = false;
      pause = Math.min(pause * 2, 15000);
    }
    if (more && !stopped) timer = setTimeout(round, document.hidden ? Math.max(pause, 5000) : pause);
  };
  const soon = () => {
    if (document.hidden || stopped || timer === null) return;
    clearTimeout(timer);
    round();
  };
  document.addEventListener("visibilitychange", soon);
  round();
  return () => { stopped = true; clearTimeout(timer); document.removeEventListener("visibilitychange", soon); };
}
