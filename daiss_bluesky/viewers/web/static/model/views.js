// The views of a result: what they are called, how their axes are linked, how they look at first.

const OBJECT = ["row", "column"];

export const VIEWS = {
  slice_xy: { title: "Slice xy", axes: ["y", "x"], across: "z", map: "gray" },
  slice_xz: { title: "Slice xz", axes: ["z", "x"], across: "y", map: "gray" },
  slice_yz: { title: "Slice yz", axes: ["z", "y"], across: "x", map: "gray" },
  projection: { title: "Newest projection", axes: ["z", null], map: "gray" },
  object_phase: { title: "Phase (rad)", axes: OBJECT, map: "twilight", cyclic: true },
  object_amplitude: { title: "Amplitude", axes: OBJECT, map: "gray" },
  coverage: { title: "Coverage (frames)", axes: OBJECT, map: "viridis" },
  probe: { title: "Probe (amplitude)", axes: [null, null], map: "magma" },
  diffraction: { title: "Newest frame, log₁₀(1 + counts)", axes: [null, null], map: "magma" },
  map: { title: "Transmission by position", axes: [null, null], map: "viridis" },
  map_row: { title: "Deflection down (px)", axes: [null, null], map: "viridis" },
  map_column: { title: "Deflection right (px)", axes: [null, null], map: "viridis" },
};

const ORDER = Object.keys(VIEWS);
// The first of these that there is stands for the result in the list.
export const THUMBNAILS = { tomography: "slice_xy", ptychography: "object_phase" };

export function viewOf(name) {
  return VIEWS[name] ?? { title: name.replaceAll("_", " "), axes: [null, null], map: "gray" };
}

/** Known ones in their order, then what else there is. */
export function inOrder(names) {
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Length of one pixel, and whether the unit is a micrometer. */
export function pixelSize(metadata) {
  return metadata.in_force?.object_pixel_um ?? metadata.geometry?.pixel_size_um ?? null;
}

/** A round length that is drawn as a bar of about `wanted` units. */
export function roundLength(wanted) {
  const decade = 10 ** Math.floor(Math.log10(wanted));
  const factor = [5, 2, 1].find((n) => n * decade <= wanted) ?? 1;
  return factor * decade;
}
