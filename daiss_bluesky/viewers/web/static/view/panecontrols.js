// Buttons and choices of a pane.
import { SCALES } from "../model/state.js";
import { element } from "./dom.js";

const MODES = {
  "": "auto",
  percentile: "0.5–99.5 %",
  sigma: "mean ± 3σ",
  minmax: "min–max",
  locked: "locked",
};

export class PaneControls {
  constructor(pane) {
    this.pane = pane;
    const { title } = pane.view;
    this.map = choice(`Colors of ${title}`, pane.desk.colormaps.names.map((name) => [name, name]), (map) => pane.set({ map }));
    this.mode = choice(`Levels of ${title}`, modesFor(pane.view), (mode) => this.setMode(mode));
    this.scale = choice(`Scale of ${title}`, SCALES.map((name) => [name, name]), (scale) => pane.set({ scale }));
    this.lock = button("lock", "Keep these levels (K)", () => this.toggleLock());
    this.invert = button("invert", "Invert the colors (I)", () => pane.set({ inverted: !pane.settings.inverted }));
    this.focus = button("enlarge", `Enlarge ${title} (F)`, () => pane.desk.toggleFocus(pane.name));
    this.buttons = element("span", { class: "buttons" }, this.lock, this.invert, this.focus);
    this.choices = element("div", { class: "choices" }, this.mode, this.map, this.scale);
  }

  setMode(mode) {
    if (mode === "locked") this.toggleLock(true);
    else this.pane.set({ mode: mode || null, low: null, high: null });
  }

  /** Lock to what is shown now, or let the levels follow the pictures again. */
  toggleLock(lock = this.pane.settings.mode !== "locked") {
    const [low, high] = this.pane.levels.levels;
    this.pane.set(lock ? { mode: "locked", low, high } : { mode: null, low: null, high: null });
  }

  nextMap() {
    this.pane.set({ map: after(this.pane.desk.colormaps.names, this.map.value) });
  }

  nextScale() {
    this.pane.set({ scale: after(SCALES, this.scale.value) });
  }

  /** @param {object} settings chosen @param {{map}} look what they come to */
  show({ mode, scale, inverted }, { map }) {
    setValue(this.map, map);
    setValue(this.mode, mode ?? "");
    setValue(this.scale, scale);
    this.lock.setAttribute("aria-pressed", String(mode === "locked"));
    this.invert.setAttribute("aria-pressed", String(inverted));
    this.focus.setAttribute("aria-pressed", String(this.pane.desk.focus === this.pane.name));
  }
}

const after = (names, name) => names[(names.indexOf(name) + 1) % names.length];

// Phase alone has levels of its own to start with; others start with percentiles.
function modesFor({ phase }) {
  return Object.entries(MODES).slice(phase ? 0 : 1);
}

function choice(label, options, changed) {
  const made = element("select", { "aria-label": label, title: label, onchange: () => changed(made.value) });
  made.append(...options.map(([value, text]) => element("option", { value }, text)));
  return made;
}

// Without a choice of his own a user has the first one, percentiles.
function setValue(select, value) {
  const known = [...select.options].some((option) => option.value === value);
  const shown = known ? value : select.options[0].value;
  if (select.value !== shown) select.value = shown;
}

function button(icon, label, onclick) {
  return element("button", { type: "button", class: `icon ${icon}`, "aria-label": label, title: label, "aria-pressed": "false", onclick });
}
