// What is drawn over a picture: crosshair, scale bar, the box of a zoom.
import { roundLength } from "../model/views.js";
import { reading } from "../model/format.js";

const INK = "rgba(255, 255, 255, 0.95)";
const EDGE = "rgba(0, 0, 0, 0.75)";

/** Lines through a place; a dark edge keeps them visible on white. */
export function drawCrosshair(context, x, y, ratio) {
  const { width, height } = context.canvas;
  for (const [style, wide] of [[EDGE, 3], ["rgba(255, 196, 0, 0.95)", 1]]) {
    context.strokeStyle = style;
    context.lineWidth = wide * ratio;
    context.beginPath();
    if (y !== null) segment(context, 0, y, width, y);
    if (x !== null) segment(context, x, 0, x, height);
    context.stroke();
  }
}

function segment(context, x0, y0, x1, y1) {
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
}

/** @param {number} zoom canvas pixels for each array pixel */
export function drawScaleBar(context, zoom, pixel_um, ratio) {
  const wanted = Math.min(context.canvas.width * 0.25, 160 * ratio);
  const unit = pixel_um ?? 1;
  const length = roundLength((wanted / zoom) * unit);
  if (!Number.isFinite(length) || length <= 0) return;
  const wide = (length / unit) * zoom;
  const [left, bottom] = [12 * ratio, context.canvas.height - 12 * ratio];
  context.fillStyle = EDGE;
  context.fillRect(left - ratio, bottom - 5 * ratio, wide + 2 * ratio, 6 * ratio);
  context.fillStyle = INK;
  context.fillRect(left, bottom - 4 * ratio, wide, 4 * ratio);
  label(context, lengthText(length, pixel_um !== null), left, bottom - 9 * ratio, ratio);
}

export function lengthText(length, inMicrometers) {
  if (!inMicrometers) return `${reading(length)} px`;
  if (length >= 1000) return `${reading(length / 1000)} mm`;
  return length < 1 ? `${reading(Math.round(length * 1e6) / 1000)} nm` : `${reading(length)} µm`;
}

export function label(context, text, x, y, ratio) {
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  context.lineJoin = "round";
  context.lineWidth = 3 * ratio;
  context.strokeStyle = EDGE;
  context.strokeText(text, x, y);
  context.fillStyle = INK;
  context.fillText(text, x, y);
}

export function drawBox(context, from, to, ratio) {
  context.setLineDash([6 * ratio, 4 * ratio]);
  context.strokeStyle = INK;
  context.lineWidth = 2 * ratio;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.setLineDash([]);
}
