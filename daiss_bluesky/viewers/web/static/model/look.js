// How a view looks until somebody chooses otherwise.
import { levels } from "./contrast.js";

/**
 * Map and levels of a picture; `sorted` is a sample of its values.
 *
 * Phase that wraps needs a cyclic map over the whole circle, in which a weak one is not seen.
 */
export function firstLook({ map, phase = false }, sorted, picture) {
  const [low, high] = levels(sorted, "percentile", picture);
  if (!phase) return { map, low, high };
  const wraps = low < -Math.PI / 2 || high > Math.PI / 2;
  return wraps ? { map, low: -Math.PI, high: Math.PI } : { map: "gray", low, high };
}
