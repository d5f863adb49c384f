// Histogram of a picture with two handles: what is black and what is white.
import { histogram } from "../model/contrast.js";
import { reading } from "../model/format.js";
import { color, element, fitCanvas } from "./dom.js";

const BINS = 128;
const KEY_STEP = 0.01;

export class Levels {
  /** @param {(low, high) => void} changed when a handle was moved */
  constructor(title, changed) {
    this.changed = changed;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.handles = ["low", "high"].map((which) => this.handle(which, title));
    this.element = element("div", { class: "levels" }, this.canvas, ...this.handles);
    this.range = [0, 1];
    this.levels = [0, 1];
  }

  handle(which, title) {
    const names = { low: "Black level", high: "White level" };
    const made = element("div", { class: `handle ${which}`, role: "slider", tabindex: "0", "aria-label": `${names[which]} of ${title}` });
    made.hidden = true; // a slider has a value, and there is none without a picture
    made.addEventListener("pointerdown", (event) => {
      made.setPointerCapture(event.pointerId);
      event.preventDefault();
      made.focus();
    });
    made.addEventListener("pointermove", (event) => {
      if (!made.hasPointerCapture(event.pointerId)) return;
      const bounds = this.canvas.getBoundingClientRect();
      this.move(which, this.range[0] + ((event.clientX - bounds.left) / bounds.width) * this.width);
    });
    made.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const old = this.levels[which === "low" ? 0 : 1];
      this.move(which, old + way * KEY_STEP * this.width * (event.shiftKey ? 10 : 1));
    });
    return made;
  }

  get width() {
    return this.range[1] - this.range[0];
  }

  move(which, value) {
    const [low, high] = this.levels;
    const gap = this.width / 1000;
    if (which === "low") this.changed(Math.min(value, high - gap), high);
    else this.changed(low, Math.max(value, low + gap));
  }

  /** @param {Float32Array} sorted sample of the picture */
  show(sorted, low, high) {
    this.levels = [low, high];
    this.range = rangeOf(sorted, low, high);
    this.draw(sorted);
    this.handles.forEach((handle, i) => {
      const value = this.levels[i];
      handle.style.left = `${((value - this.range[0]) / this.width) * 100}%`;
      handle.setAttribute("aria-valuemin", this.range[0]);
      handle.setAttribute("aria-valuemax", this.range[1]);
      handle.setAttribute("aria-valuenow", value);
      handle.setAttribute("aria-valuetext", reading(value));
      handle.dataset.value = reading(value);
      handle.hidden = false;
    });
  }

  draw(sorted) {
    if (!this.canvas.clientWidth) return;
    fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    const counts = histogram(sorted, ...this.range, BINS);
    // Logarithmic: a background of thousands must not hide what is rare.
    const most = Math.log1p(Math.max(...counts));
    context.clearRect(0, 0, width, height);
    context.fillStyle = color(this.canvas, "faint");
    counts.forEach((count, i) => {
      const tall = most ? (Math.log1p(count) / most) * (height - 2) : 0;
      context.fillRect((i / BINS) * width, height - tall, Math.ceil(width / BINS), tall);
    });
  }
}

// A little beyond the values, so that both handles can be reached.
function rangeOf(sorted, low, high) {
  const least = Math.min(low, sorted[0] ?? low);
  const most = Math.max(high, sorted.at(-1) ?? high);
  const margin = (most - least) * 0.04;
  return [least - margin, most + margin];
}
