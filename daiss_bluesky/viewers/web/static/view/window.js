// Which part of an array a pane shows: fitted, or a zoom around a place that new pictures keep.

const [LEAST, MOST] = [0.05, 64];

export class Window {
  /** @param {object} settings where zoom, row and column are kept; null zoom is fitted */
  constructor(settings) {
    this.settings = settings;
    Object.assign(this, { rows: 1, columns: 1, width: 1, height: 1 });
  }

  resize(rows, columns, width, height) {
    Object.assign(this, { rows, columns, width, height });
  }

  get fitted() {
    return this.settings.zoom === null;
  }

  /** Canvas pixels for each array pixel. */
  get zoom() {
    return this.fitted ? Math.min(this.width / this.columns, this.height / this.rows) : this.settings.zoom;
  }

  get middle() {
    const { row, column } = this.settings;
    return this.fitted ? { row: this.rows / 2, column: this.columns / 2 } : { row, column };
  }

  /** What the painter needs. */
  frame() {
    const { zoom, middle, width, height } = this;
    return { left: middle.column - width / zoom / 2, top: middle.row - height / zoom / 2, pace: 1 / zoom, width, height };
  }

  toArray(x, y) {
    const { left, top, pace } = this.frame();
    return { row: top + y * pace, column: left + x * pace };
  }

  toCanvas(row, column) {
    const { left, top, pace } = this.frame();
    return { x: (column - left) / pace, y: (row - top) / pace };
  }

  fit() {
    Object.assign(this.settings, { zoom: null, row: null, column: null });
  }

  /** Zoom so that the place under (x, y) stays there. */
  zoomAt(factor, x, y) {
    const held = this.toArray(x, y);
    const zoom = Math.min(MOST, Math.max(LEAST, this.zoom * factor));
    const row = held.row - (y - this.height / 2) / zoom;
    const column = held.column - (x - this.width / 2) / zoom;
    Object.assign(this.settings, { zoom, row, column });
  }

  zoomTo(zoom) {
    Object.assign(this.settings, this.middle, { zoom });
  }

  pan(dx, dy) {
    const { zoom, middle } = this;
    Object.assign(this.settings, { zoom, row: middle.row - dy / zoom, column: middle.column - dx / zoom });
  }

  /** Rows and columns of the array that can be seen, [start, stop] each. */
  seen() {
    const { left, top, pace, width, height } = this.frame();
    const within = (value, n) => Math.min(n, Math.max(0, value));
    return {
      rows: [within(Math.floor(top), this.rows), within(Math.ceil(top + height * pace), this.rows)],
      columns: [within(Math.floor(left), this.columns), within(Math.ceil(left + width * pace), this.columns)],
    };
  }

  /** What is seen, where it could be shown with smaller steps; null where not. */
  closer(step) {
    const { rows, columns } = this.seen();
    const finest = Math.max(1, Math.floor(1 / this.zoom));
    return finest < step && rows[0] < rows[1] && columns[0] < columns[1] ? { rows, columns, step: finest } : null;
  }
}
