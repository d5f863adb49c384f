// Levels of a picture from its values, as daiss_bluesky/viewers/model/contrast.py has them.

export const MODES = ["percentile", "sigma", "minmax"];
const PERCENTILES = [0.5, 99.5];
const SIGMAS = 3;
// A strided sample finds the same levels and costs a hundredth.
const SAMPLE = 65536;

/** Finite values on a grid over the picture, sorted. */
export function sample({ data, rows, columns }) {
  const step = Math.max(1, Math.ceil(Math.sqrt((rows * columns) / SAMPLE)));
  const found = new Float32Array(Math.ceil(rows / step) * Math.ceil(columns / step));
  let n = 0;
  for (let row = 0; row < rows; row += step) {
    for (let column = 0; column < columns; column += step) {
      const value = data[row * columns + column];
      if (Number.isFinite(value)) found[n++] = value;
    }
  }
  return found.subarray(0, n).sort();
}

/** @returns {[number, number]} low and high, never equal */
export function levels(sorted, mode, picture) {
  if (sorted.length === 0) return [0, 1];
  if (mode === "minmax") return apart(...extremes(picture.data));
  if (mode === "sigma") return apart(...aroundMean(sorted));
  return apart(...PERCENTILES.map((p) => percentile(sorted, p)));
}

/** As numpy.percentile: linear between the two nearest. */
export function percentile(sorted, percent) {
  const place = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

export function histogram(sorted, low, high, bins) {
  const counts = new Uint32Array(bins);
  const scale = bins / (high - low);
  for (const value of sorted) {
    const bin = Math.floor((value - low) * scale);
    if (bin >= 0 && bin < bins) counts[bin] += 1;
    else if (value === high) counts[bins - 1] += 1;
  }
  return counts;
}

function extremes(data) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

function aroundMean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const sigma = Math.sqrt(squares / values.length);
  return [mean - SIGMAS * sigma, mean + SIGMAS * sigma];
}

function apart(low, high) {
  if (high > low) return [low, high];
  const room = Math.max(Math.abs(low) * 1e-3, 1e-9);
  return [low - room, low + room];
}
