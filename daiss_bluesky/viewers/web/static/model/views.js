// The views of a result: what they are called, how their axes are linked, how they look at first.

const OBJECT = ["row", "column"];

export const VIEWS = {
  slice_xy: { title: "Slice xy", axes: ["y", "x"], across: "z", map: "gray" },
  slice_xz: { title: "Slice xz", axes: ["z", "x"], across: "y", map: "gray" },
  slice_yz: { title: "Slice yz", axes: ["z", "y"], across: "x", map: "gray" },
  projection: { title: "Projection", about: "the newest", axes: ["z", null], map: "gray" },
  object_phase: { title: "Phase", about: "rad", axes: OBJECT, map: "twilight", phase: true },
  object_amplitude: { title: "Amplitude", axes: OBJECT, map: "gray" },
  probe: { title: "Probe", about: "amplitude", axes: [null, null], map: "magma" },
  diffraction: { title: "Diffraction", about: "newest frame, log₁₀(1 + counts)", axes: [null, null], map: "magma", pixel: "detector" },
  coverage: { title: "Coverage", about: "frames", axes: OBJECT, map: "viridis" },
  map: { title: "Transmission", about: "by position", axes: [null, null], map: "gray", pixel: "none" },
  map_row: { title: "Deflection down", about: "px, by position", axes: [null, null], map: "gray", pixel: "none" },
  map_column: { title: "Deflection right", about: "px, by position", axes: [null, null], map: "gray", pixel: "none" },
};

// Seen at once they are the whole result until there is an object.
const UNTIL_OBJECT = ["map", "map_row", "map_column"];

const ORDER = Object.keys(VIEWS);
// The first of these that there is stands for the result in the list.
export const THUMBNAILS = { tomography: "slice_xy", ptychography: "object_phase" };

export function viewOf(name) {
  return VIEWS[name] ?? { title: name.replaceAll("_", " "), axes: [null, null], map: "gray", pixel: "none" };
}

/** Known ones in their order, then what else there is. */
export function inOrder(names) {
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Those that are shown unless all are asked for; `has` tells which have a picture. */
export function foremost(names, has) {
  return has("object_phase") ? names.filter((name) => !UNTIL_OBJECT.includes(name)) : names;
}

/** Length of one pixel of a view in micrometers, or null. */
export function pixelSize({ pixel = "sample" }, { in_force = {}, geometry = {} }) {
  if (pixel === "none") return null;
  if (pixel === "detector") return positive(geometry.detector_pixel_um);
  return positive(in_force.object_pixel_um) ?? positive(geometry.pixel_size_um);
}

function positive(value) {
  const number = Array.isArray(value) ? value[0] : value;
  return number > 0 ? number : null;
}

/** A round length that is drawn as a bar of about `wanted` units. */
export function roundLength(wanted) {
  const decade = 10 ** Math.floor(Math.log10(wanted));
  const factor = [5, 2, 1].find((n) => n * decade <= wanted) ?? 1;
  return factor * decade;
}
