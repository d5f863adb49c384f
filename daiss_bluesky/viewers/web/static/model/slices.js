// Slices of a stored array, read where the crosshair is: only the newest wish counts.

const KEPT = 24;

export class SliceReader {
  /** @param {(wish, picture) => void} take @param {(problem) => void} failed */
  constructor(server, take, failed) {
    Object.assign(this, { server, take, failed });
    this.wishes = new Map();
    this.busy = new Set();
    this.kept = new Map();
  }

  /**
   * Wish for one picture of a pane.
   * @param {object} wish path, structure, and `axis` with `index` where the array has three axes;
   *   rows and columns as [start, stop], `step` between the pixels that are read, and `number`
   *   of the update where the array is written again and again
   */
  want(pane, wish) {
    const key = keyOf(wish);
    const known = this.kept.get(key);
    if (known) {
      this.wishes.delete(pane);
      this.take(pane, wish, known);
      return;
    }
    this.wishes.set(pane, wish);
    this.next(pane);
  }

  async next(pane) {
    const wish = this.wishes.get(pane);
    if (!wish || this.busy.has(pane)) return;
    this.wishes.delete(pane);
    this.busy.add(pane);
    try {
      const picture = await this.read(wish);
      this.keep(keyOf(wish), picture);
      this.take(pane, wish, picture);
    } catch (error) {
      this.failed(error);
    }
    this.busy.delete(pane);
    this.next(pane);
  }

  async read({ path, structure, axis = null, index, rows, columns, step }) {
    const ranges = [[...rows, step], [...columns, step]];
    if (axis !== null) ranges.splice(axis, 0, [index, index + 1, 1]);
    const { data, shape } = await this.server.array(path, structure, ranges);
    const [n, m] = shape.filter((_, i) => i !== axis);
    return { data, rows: n, columns: m, step, row: rows[0], column: columns[0] };
  }

  keep(key, picture) {
    this.kept.set(key, picture);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }
}

const keyOf = ({ path, axis, index, rows, columns, step, number }) => [path, axis, index, ...rows, ...columns, step, number].join();
