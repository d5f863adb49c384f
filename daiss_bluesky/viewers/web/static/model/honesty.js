// What a result says of itself; the wording of daiss_bluesky/viewers/model/honesty.py.
import { fixed, general, percent } from "./format.js";

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** One line; `now_s` is the server's time. */
export function line(honesty, now_s) {
  const parts = [honesty.status, frames(honesty), `${percent(honesty.coverage)} covered`];
  if (honesty.frames_missing && honesty.status !== "running") parts.push(`${honesty.frames_missing} missing`);
  if (honesty.published_s !== null) parts.push(age(honesty.status, Math.max(0, now_s - honesty.published_s)));
  if (honesty.lag_s !== null) parts.push(`lag ${fixed(honesty.lag_s, 2)} s`);
  if (honesty.steps) parts.push(`step ${honesty.step} of ${honesty.steps}`);
  for (const [name, value] of Object.entries(honesty.quality)) parts.push(`${name} ${general(value, 3)}`);
  return parts.join(" · ");
}

function age(status, age_s) {
  if (status === "running") return `${fixed(age_s, 1)} s old`;
  const [unit, length_s] = UNITS.find(([, length_s]) => age_s >= 2 * length_s) ?? ["s", 1];
  return `ended ${Math.floor(age_s / length_s)} ${unit} ago`;
}

function frames({ frames_expected, frames_received, frames_used }) {
  const of = frames_expected === null ? "so far" : `of ${frames_expected}`;
  return `${frames_used} used, ${frames_received} received ${of}`;
}
