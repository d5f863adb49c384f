// Everything that is set in the viewer, as the query of its address; defaults are left out.
import { MODES } from "./contrast.js";

export const SCALES = ["linear", "log", "sqrt"];
const VIEW = /^v\.(\w{1,64})$/;

/** What an address without a query means. */
export function initial() {
  return {
    result: null, // null: follow the newest
    place: null, // crosshair: {z, y, x} of a volume, {row, column} of an object; fields may be null
    focus: null, // the one view that is shown large
    search: "",
    status: "",
    technique: "",
    theme: "",
    runs: true,
    kiosk: false,
    all: false, // views that have done their work, too
    views: {}, // by name: {map, mode, low, high, scale, zoom, row, column, inverted}
  };
}

export function initialView() {
  return { map: null, inverted: false, mode: null, low: null, high: null, scale: "linear", zoom: null, row: null, column: null };
}

/** @param {string} query with or without its question mark */
export function read(query) {
  const given = new URLSearchParams(query);
  const state = initial();
  state.result = word(given.get("result"));
  state.focus = word(given.get("focus"));
  state.search = given.get("search") ?? "";
  state.status = word(given.get("status")) ?? "";
  state.technique = word(given.get("technique")) ?? "";
  state.theme = ["dark", "light"].includes(given.get("theme")) ? given.get("theme") : "";
  state.runs = given.get("runs") !== "0";
  state.all = given.get("all") === "1";
  state.kiosk = given.get("kiosk") === "1";
  state.place = readPlace(given.get("at"));
  for (const [name, text] of given) {
    const view = VIEW.exec(name)?.[1];
    if (view) state.views[view] = readView(text);
  }
  return state;
}

/** The query that `read` turns into the same state. */
export function write(state) {
  const query = new URLSearchParams();
  for (const name of ["result", "focus", "search", "status", "technique", "theme"]) {
    if (state[name]) query.set(name, state[name]);
  }
  if (!state.runs) query.set("runs", "0");
  if (state.all) query.set("all", "1");
  if (state.kiosk) query.set("kiosk", "1");
  if (state.place) query.set("at", writePlace(state.place));
  for (const [name, view] of Object.entries(state.views)) {
    const text = writeView(view);
    if (text) query.set(`v.${name}`, text);
  }
  return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
}

function readPlace(text) {
  if (!text) return null;
  const place = {};
  for (const part of text.split(",")) {
    const found = /^(z|y|x|row|column):(-?\d+(\.\d+)?)$/.exec(part);
    if (found) place[found[1]] = Number(found[2]);
  }
  return Object.keys(place).length ? place : null;
}

const writePlace = (place) => Object.entries(place).map(([axis, value]) => `${axis}:${short(value)}`).join(",");

function readView(text) {
  const view = initialView();
  for (const part of text.split(";")) {
    const [name, values = ""] = part.split(":");
    READ[name]?.(view, values);
  }
  return view;
}

const READ = {
  map: (view, text) => {
    const name = word(text);
    view.inverted = name?.endsWith("_inverted") ?? false;
    view.map = name?.replace(/_inverted$/, "") ?? null;
  },
  auto: (view, text) => {
    if (MODES.includes(text)) view.mode = text;
  },
  levels: (view, text) => {
    const [low, high] = numbers(text);
    if (low < high) Object.assign(view, { mode: "locked", low, high });
  },
  scale: (view, text) => {
    if (SCALES.includes(text)) view.scale = text;
  },
  zoom: (view, text) => {
    const [zoom, row, column] = numbers(text);
    if (zoom > 0 && Number.isFinite(row) && Number.isFinite(column)) Object.assign(view, { zoom, row, column });
  },
};

function writeView(view) {
  const parts = [];
  if (view.map) parts.push(`map:${view.map}${view.inverted ? "_inverted" : ""}`);
  if (view.mode === "locked") parts.push(`levels:${view.low},${view.high}`);
  else if (view.mode) parts.push(`auto:${view.mode}`);
  if (view.scale !== "linear") parts.push(`scale:${view.scale}`);
  if (view.zoom !== null) parts.push(`zoom:${[view.zoom, view.row, view.column].map(short).join(",")}`);
  return parts.join(";");
}

const short = (x) => String(Math.round(x * 1000) / 1000);
const word = (text) => (text && /^[\w.-]{1,64}$/.test(text) ? text : null);
const numbers = (text) => text.split(",").map((part) => (part === "" ? NaN : Number(part)));
