// Scales of drawings: a range with round marks.

export function scaleOf(values, fromZero = true) {
  const known = values.filter(Number.isFinite);
  const low = fromZero ? 0 : Math.min(...known), high = Math.max(...known, low + 1e-6);
  const end = fromZero ? high * 1.04 : high;
  return { low, high: end, percent: (value) => Math.round(1e4 * Math.max(0, Math.min(1, (value - low) / (end - low)))) / 100 };
}

export function ticks({ low, high }, most = 5) {
  const raw = (high - low) / most, size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((each) => each >= raw);
  const marks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) marks.push(Number((k * step).toPrecision(6)));
  return marks;
}

/** Pairs of two clocks, rising in both; between them time runs evenly. No pairs: the clocks are the same. */
export function along(pairs, from, to, value) {
  if (!pairs || pairs.length < 2) return value;
  let i = 1;
  while (i < pairs.length - 1 && pairs[i][from] < value) i += 1;
  const a = pairs[i - 1], b = pairs[i];
  return a[to] + (b[from] > a[from] ? ((b[to] - a[to]) * (value - a[from])) / (b[from] - a[from]) : 0);
}
