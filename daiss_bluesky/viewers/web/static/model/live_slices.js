// Slices of a result that still runs, where the crosshair is: asked for anew after each update.

// Times what an answer took, before the next question: the reconstruction has frames to work on.
const REST = 2;
const AGAIN_MS = 5000;

export class LiveSlices {
  /** @param {{changed(), problem(problem)}} take */
  constructor(server, take) {
    Object.assign(this, { server, take, wish: null, asked: null, newest: null });
  }

  /**
   * Wish for the slices through one voxel; only the newest wish counts.
   * @param {object} wish uid, zyx, number of the update they are wanted after, and windows: for each
   *   view the whole of it and what one has zoomed into, if anything, as {rows, columns, step}
   */
  want(wish) {
    this.wish = wish;
    this.next();
  }

  /** Want none, and show none. */
  forget() {
    this.wish = this.asked = this.newest = null;
  }

  /** The wish whose answer is on its way, or null. */
  get awaited() {
    return this.asked ? this.wish : null;
  }

  async next() {
    const { wish } = this;
    if (this.busy || !wish || keyOf(wish) === this.asked) return;
    this.busy = true;
    this.asked = keyOf(wish);
    const from_ms = performance.now();
    let rest_ms = AGAIN_MS;
    try {
      const found = await this.server.slices(wish);
      rest_ms = REST * (performance.now() - from_ms);
      this.keep(wish, found);
    } catch (problem) {
      this.miss(problem);
    }
    setTimeout(() => {
      this.busy = false;
      this.next();
    }, rest_ms);
  }

  keep({ uid, zyx, windows, number }, found) {
    if (this.wish?.uid !== uid) return;
    const toPicture = ({ data, shape: [rows, columns] }, { rows: [row], columns: [column], step }) =>
      ({ data, rows, columns, row, column, step, number });
    const pictures = found.map(([name, arrays]) => [name, arrays.map((one, i) => toPicture(one, windows[name][i]))]);
    this.newest = { zyx, pictures: Object.fromEntries(pictures) };
    this.take.changed();
  }

  // Nobody has to be there who knows them: the views have slices of their own.
  miss(problem) {
    if (!problem.kind) throw problem;
    this.asked = this.newest = null;
    if (problem.kind === "unauthorized") this.take.problem(problem);
    this.take.changed();
  }
}

const keyOf = (wish) => JSON.stringify(wish);
