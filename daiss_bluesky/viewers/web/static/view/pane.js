// One view of a result: picture, crosshair, value under the cursor, levels and colors.
import { levels as levelsOf, sample } from "../model/contrast.js";
import { general } from "../model/format.js";
import { firstLook } from "../model/look.js";
import { pixelSize, viewOf } from "../model/views.js";
import { element, fitCanvas, setText } from "./dom.js";
import { listen } from "./gestures.js";
import { Levels } from "./levels.js";
import { drawBox, drawCrosshair, drawScaleBar, lengthText } from "./overlay.js";
import { Slot } from "./painter.js";
import { PaneControls } from "./panecontrols.js";
import { Window } from "./window.js";

const DIGITS = 6;

export class Pane {
  /**
   * @param {object} desk what panes share: painter, colormaps, settings(name), place, setPlace(place),
   *   metadata, changed(save), toggleFocus(name), focus
   */
  constructor(name, desk) {
    Object.assign(this, { name, desk, view: viewOf(name), slot: new Slot(), detail: new Slot() });
    this.settings = desk.settings(name);
    this.window = new Window(this.settings);
    this.own = null;
    this.cursor = null;
    this.across = "";
    this.painted = 0;
    this.build();
  }

  build() {
    const { title } = this.view;
    this.canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": `${title}: no picture yet` });
    this.reading = element("output", { class: "reading", "aria-live": "off", hidden: true });
    this.wait = element("p", { class: "wait" }, "waiting for the first picture");
    this.place = element("span", { class: "place" });
    this.levels = new Levels(title, (low, high) => this.set({ mode: "locked", low, high }));
    this.controls = new PaneControls(this);
    const head = element("header", {}, element("h2", {}, title), this.place, this.controls.buttons);
    this.stage = element("div", { class: "stage" }, this.canvas, this.wait, this.reading);
    const foot = element("div", { class: "controls" }, this.levels.element, this.controls.choices);
    this.element = element("section", { class: "pane", "data-view": this.name, "aria-label": title }, head, this.stage, foot);
    listen(this.canvas, this.gestures());
    this.observer = new ResizeObserver(() => this.desk.changed());
    this.observer.observe(this.stage);
  }

  gestures() {
    const then = (action) => (...given) => {
      action(...given);
      this.desk.changed(true);
    };
    return {
      pan: then((dx, dy) => this.window.pan(dx, dy)),
      zoom: then((factor, x, y) => this.window.zoomAt(factor, x, y)),
      fit: then(() => this.window.fit()),
      tap: then((x, y) => this.point(this.window.toArray(x, y))),
      box: then((from, to, ended) => this.zoomBox(from, to, ended)),
      hover: (x, y) => {
        this.cursor = this.window.toArray(x, y);
        this.read();
      },
      leave: () => {
        this.cursor = null;
        this.read();
      },
    };
  }

  zoomBox(from, to, ended) {
    this.box = ended ? null : [from, to];
    if (!ended) return;
    const [wide, tall] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
    const middle = this.window.toArray((from.x + to.x) / 2, (from.y + to.y) / 2);
    const zoom = this.window.zoom * Math.min(this.canvas.width / wide, this.canvas.height / tall);
    Object.assign(this.settings, middle, { zoom });
  }

  set(changes) {
    Object.assign(this.settings, changes);
    this.desk.changed(true);
  }

  /** Set the crosshair, in all panes that have these axes. */
  point({ row, column }) {
    const { rows, columns } = this.window;
    const within = (value, n) => Math.min(n - 1, Math.max(0, Math.floor(value)));
    const [down, right] = this.view.axes;
    const found = { row: within(row, rows), column: within(column, columns) };
    this.own = found;
    const shared = {};
    if (down) shared[down] = found.row;
    if (right) shared[right] = found.column;
    this.desk.setPlace(shared, this.name);
  }

  /** Where the crosshair is here; null along an axis that has none. */
  crosshair() {
    const [down, right] = this.view.axes;
    const place = this.desk.place ?? {};
    return { row: down ? (place[down] ?? null) : (this.own?.row ?? null), column: right ? (place[right] ?? null) : (this.own?.column ?? null) };
  }

  step(down, right) {
    const at = this.crosshair();
    const row = (at.row ?? Math.floor(this.window.rows / 2)) + down;
    const column = (at.column ?? Math.floor(this.window.columns / 2)) + right;
    this.point({ row, column });
    this.desk.changed(true);
  }

  /** @param {object} picture data, rows, columns; `step` where not every pixel was read */
  show(picture, shape = null) {
    this.slot.put(picture);
    this.shape = shape ?? [picture.rows * (picture.step ?? 1), picture.columns * (picture.step ?? 1)];
    this.detail.put(null);
    this.sorted = sample(picture);
    this.fresh = true;
    this.wait.hidden = true;
  }

  showDetail(picture) {
    this.detail.put(picture);
  }

  look() {
    const { map, inverted, scale, mode, low, high } = this.settings;
    const first = firstLook(this.view, this.sorted, this.slot.picture);
    const look = { ...first, map: map ?? first.map, inverted, scale };
    if (mode === "locked") return { ...look, low, high };
    if (mode === null) return look;
    const [least, most] = levelsOf(this.sorted, mode, this.slot.picture);
    return { ...look, low: least, high: most };
  }

  paint() {
    setText(this.place, this.across || this.view.about || "");
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.slot.picture) return;
    this.window.resize(...this.shape, this.canvas.width, this.canvas.height);
    this.canvas.classList.toggle("zoomed", !this.window.fitted);
    const frame = this.window.frame();
    const look = this.look();
    this.controls.show(this.settings, look);
    this.desk.painter.draw(context, this.slot, frame, look);
    this.desk.painter.draw(context, this.detail, frame, look);
    this.drawOver(context, ratio);
    this.levels.show(this.sorted, look.low, look.high);
    this.describe(look);
    this.read();
    if (this.fresh) this.tell();
  }

  drawOver(context, ratio) {
    const { row, column } = this.crosshair();
    const at = this.window.toCanvas((row ?? 0) + 0.5, (column ?? 0) + 0.5);
    drawCrosshair(context, column === null ? null : at.x, row === null ? null : at.y, ratio);
    drawScaleBar(context, this.window.zoom, this.pixel_um, ratio);
    if (this.box) drawBox(context, ...this.box, ratio);
  }

  get pixel_um() {
    return pixelSize(this.view, this.desk.metadata);
  }

  describe(look) {
    const [rows, columns] = this.shape;
    const shown = `${this.view.title}, ${rows} × ${columns}, levels ${general(look.low, 4)} to ${general(look.high, 4)}`;
    if (this.canvas.getAttribute("aria-label") !== shown) this.canvas.setAttribute("aria-label", shown);
  }

  tell() {
    this.fresh = false;
    this.painted += 1;
    this.element.dataset.painted = this.painted;
    this.element.dataset.number = this.slot.picture.number ?? "";
    this.element.dispatchEvent(new CustomEvent("painted", { bubbles: true, detail: this.slot.picture }));
  }

  /** Value at a place of the array, from the finest picture there is; null outside. */
  valueAt(row, column) {
    for (const picture of [this.detail.picture, this.slot.picture]) {
      if (!picture) continue;
      const { data, rows, columns, row: top = 0, column: left = 0, step = 1 } = picture;
      const [r, c] = [Math.floor((row - top) / step), Math.floor((column - left) / step)];
      if (r >= 0 && c >= 0 && r < rows && c < columns) return { value: data[r * columns + c], exact: step === 1 };
    }
    return null;
  }

  read() {
    const cross = this.crosshair();
    const at = this.cursor ?? (cross.row === null || cross.column === null ? null : cross);
    const row = at && Math.floor(at.row);
    const column = at && Math.floor(at.column);
    const found = at && this.slot.picture ? this.valueAt(row, column) : null;
    this.reading.hidden = !found;
    if (!found) return;
    const [down, right] = this.view.axes;
    const value = `${found.exact ? "" : "≈ "}${general(found.value, DIGITS)}`;
    const length = (n) => (this.pixel_um === null ? "" : ` (${lengthText(n * this.pixel_um, true)})`);
    const where = `${right ?? "column"} ${column}${length(column)}, ${down ?? "row"} ${row}${length(row)}`;
    setText(this.reading, `${value}  at ${where}`);
    Object.assign(this.reading.dataset, { row, column, value: found.value });
  }

  close() {
    this.observer.disconnect();
    this.desk.painter.release(this.slot);
    this.desk.painter.release(this.detail);
    this.element.remove();
  }
}
