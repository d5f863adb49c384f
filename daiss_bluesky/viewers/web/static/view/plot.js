// A small curve with its newest value in words.
import { general, reading } from "../model/format.js";
import { color, element, fitCanvas, setText } from "./dom.js";

export class Plot {
  /** @param {(row) => number} read a row of the progress table to what is drawn */
  constructor(title, unit, read) {
    Object.assign(this, { title, unit, read });
    this.value = element("b");
    this.canvas = element("canvas", { role: "img", "aria-label": title });
    this.element = element("figure", { class: "plot" }, element("figcaption", {}, `${title} `, this.value), this.canvas);
  }

  /** Hidden where nothing is known of it. */
  show(progress) {
    const points = progress.curve(this.read);
    this.element.hidden = points.length === 0;
    if (!points.length) return;
    const newest = points.at(-1)[1];
    const text = `${Number.isInteger(newest) ? newest : general(newest, 3)}${this.unit && ` ${this.unit}`}`;
    setText(this.value, text);
    this.canvas.setAttribute("aria-label", `${this.title} over ${points.length} updates, now ${text}`);
    this.draw(points);
  }

  draw(points) {
    if (!this.canvas.clientWidth) return;
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    const values = points.map(([, y]) => y);
    const [low, high] = [Math.min(0, ...values), Math.max(...values)];
    const span = high - low || 1;
    const left = 34 * ratio;
    const end = points.at(-1)[0] || 1;
    const x = (t) => left + (t / end) * (width - left - 4 * ratio);
    const y = (v) => height - 4 * ratio - ((v - low) / span) * (height - 12 * ratio);
    context.clearRect(0, 0, width, height);
    this.axis(context, ratio, left, [low, high], y);
    context.strokeStyle = color(this.canvas, "accent");
    context.lineWidth = 2 * ratio;
    context.lineJoin = "round";
    context.beginPath();
    points.forEach(([t, v], i) => (i ? context.lineTo(x(t), y(v)) : context.moveTo(x(t), y(v))));
    context.stroke();
    const [t, v] = points.at(-1);
    context.fillStyle = color(this.canvas, "accent");
    context.beginPath();
    context.arc(x(t), y(v), 3 * ratio, 0, 2 * Math.PI);
    context.fill();
  }

  axis(context, ratio, left, ends, y) {
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.strokeStyle = color(this.canvas, "line");
    context.lineWidth = ratio;
    for (const end of ends) {
      context.fillStyle = color(this.canvas, "quiet");
      context.fillText(axisText(end), left - 4 * ratio, Math.min(y(end), context.canvas.height - 6 * ratio));
      context.beginPath();
      context.moveTo(left, y(end));
      context.lineTo(context.canvas.width, y(end));
      context.stroke();
    }
  }
}

const axisText = (value) => (Math.abs(value) >= 1000 ? general(value, 2) : reading(Number(general(value, 2))));

/** What there is to draw of a result. */
export function plotsOf() {
  return [
    new Plot("Lag", "s", (row) => row.lag_s ?? NaN),
    new Plot("Covered", "%", (row) => row.coverage * 100),
    new Plot("Residual", "", (row) => row.residual ?? NaN),
    new Plot("Frames used", "", (row) => row.frames_used),
  ];
}
