// Follows one result: what it says of itself, and the newest picture of each view.
import { toArray } from "./arrays.js";
import { Problem } from "./problem.js";
import { Progress, honestyOf } from "./progress.js";
import { Subscription } from "./subscription.js";

const SPEC = "DaissReconstruction";
const SPEC_MAJOR = "1";
// Views above this are asked for in part, at the size they are shown, after each update.
const PUSH_LIMIT_BYTES = 8e6;
const SHOWN_PX = 1024;
const POLL_MS = 1000;
const NOT_YET_MS = 300;
const FAILURES_BEFORE_POLLING = 2;

export class Follower {
  /** @param {{changed(), picture(name), problem(problem)}} take */
  constructor(server, uid, take) {
    Object.assign(this, { server, uid, take, path: `recon/${uid}` });
    this.metadata = {};
    this.views = new Map();
    this.finals = new Map();
    this.progress = new Progress();
    this.streams = new Map();
    this.polled = new Set();
    this.pollingWorks = false;
    this.news = 0;
    this.closed = false;
  }

  /** Throws a Problem where the result cannot be shown at all. */
  async start() {
    checkSpec((await this.refresh()).specs, this.uid);
    this.timer = setInterval(() => this.poll(), POLL_MS);
    await this.load();
  }

  get running() {
    return this.metadata.status === "running";
  }

  /** How news comes: live, polling, interrupted, or connecting for the first time. */
  get transport() {
    const streams = [...this.streams.values()];
    if (streams.length && streams.every((one) => one.isOpen)) return "live";
    if (this.polled.size && this.pollingWorks) return "polling";
    return streams.some((one) => one.failures) ? "interrupted" : "connecting";
  }

  honesty() {
    return honestyOf(this.metadata, this.progress.newest, !this.running);
  }

  /** Ask for the metadata; what was pushed while the answer came may be newer than it. */
  async refresh() {
    let found;
    let news;
    do {
      news = this.news;
      found = await this.server.describe(this.path);
    } while (news !== this.news);
    this.metadata = found.metadata;
    this.take.changed();
    return found;
  }

  /** News from the catalog's stream: metadata of this result. */
  takeMetadata(metadata) {
    const was = this.running;
    this.news += 1;
    this.metadata = { ...this.metadata, ...metadata };
    // The last pictures may have been streamed before they could be read; now they can.
    if (this.running !== was) this.reload();
    this.take.changed();
  }

  /** Connect all streams anew: the server has been away. */
  async renew() {
    for (const one of this.streams.values()) one.renew();
    await this.reload();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    clearTimeout(this.again);
    for (const one of this.streams.values()) one.close();
  }

  async reload() {
    try {
      await this.refresh();
      await this.load();
    } catch (error) {
      this.unanswered(error);
    }
  }

  // Nothing would bring the last rows of a result once more.
  unanswered(error) {
    this.report(error);
    if (error.kind !== "away" || this.closed) return;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.reload(), NOT_YET_MS);
  }

  async load() {
    const own = new Map(await this.children(this.path));
    for (const [name, { structure_family, structure }] of own) {
      if (structure_family === "array") this.finals.set(name, structure);
    }
    const live = own.has("live") ? await this.children(`${this.path}/live`) : [];
    if (this.closed) return;
    for (const [name, { structure }] of live) this.addView(name, structure);
    if (this.running) this.listen(own);
    await Promise.all([this.readProgress(), ...[...this.views.values()].map((view) => this.fetchView(view))]);
    this.take.changed();
  }

  async children(path) {
    const parameters = { "page[limit]": 100, fields: ["structure", "structure_family"] };
    return (await this.server.json(`search/${path}`, parameters)).data.map(({ id, attributes }) => [id, attributes]);
  }

  // A result that has just begun gets its parts one after the other. What came before a stream
  // was open is in none of its messages: it is read once more then.
  listen(own) {
    const rows = {
      message: ({ payload }) => this.takeRows(payload),
      open: async () => {
        this.opened("progress");
        await this.readProgress();
        this.take.changed();
      },
      closed: (problem, failures) => this.interrupted("progress", problem, failures),
    };
    if (own.has("progress")) this.stream("progress", rows, { envelope: "json", replayAll: true });
    const places = { message: (message) => this.takeChild(message), open: () => {}, closed: () => {} };
    if (own.has("live")) this.stream("live", places);
    clearTimeout(this.again);
    if (!own.has("progress") || !own.has("live")) this.again = setTimeout(() => this.reload(), NOT_YET_MS);
  }

  stream(name, take, options) {
    if (this.streams.has(name) || this.closed) return;
    this.streams.set(name, new Subscription(this.server, `${this.path}/${name}`, take, options));
  }

  addView(name, structure) {
    const known = this.views.get(name);
    if (known && String(known.structure.shape) === String(structure.shape)) {
      if (this.running) this.subscribeTo(known);
      return known;
    }
    this.streams.get(`live/${name}`)?.close();
    this.streams.delete(`live/${name}`);
    const view = { name, structure, path: `${this.path}/live/${name}`, picture: null, raw: null, number: 0 };
    this.views.set(name, view);
    if (this.running) this.subscribeTo(view);
    return view;
  }

  subscribeTo(view) {
    if (sizeOf(view.structure) > PUSH_LIMIT_BYTES) {
      this.polled.add(view);
      return;
    }
    const take = {
      message: (message) => this.takePixels(view, message),
      open: () => {
        this.opened(view);
        this.fetchView(view);
      },
      closed: (problem, failures) => this.interrupted(view, problem, failures),
    };
    this.stream(`live/${view.name}`, take);
  }

  // A view that is made again is another node, and its old stream is silent for ever.
  takeChild(message) {
    const [source] = message.data_sources ?? [];
    if (message.type !== "container-child-created" || !source) return;
    this.views.delete(message.key);
    this.addView(message.key, source.structure);
    this.take.changed();
  }

  takePixels(view, message) {
    if (message.type !== "array-data" || message.offset || message.block) return;
    // Only kept: the newest is read when it is painted.
    view.raw = message;
    view.number += 1;
    this.take.picture(view.name);
  }

  takeRows(columns) {
    this.progress.add(columns);
    for (const view of this.polled) this.fetchView(view);
    this.take.changed();
  }

  /** The newest picture of a view, or null: {data, rows, columns, step, number}. */
  pictureOf(name) {
    const view = this.views.get(name);
    if (!view) return null;
    if (view.raw) {
      const { payload, shape } = view.raw;
      view.raw = null;
      try {
        view.picture = toPicture(toArray(payload, view.structure.data_type, shape), view.number);
      } catch (error) {
        this.report(error);
      }
    }
    return view.picture;
  }

  async readProgress() {
    try {
      this.progress.add(await this.server.json(`table/full/${this.path}/progress`, { format: "json" }));
    } catch (error) {
      if (error.kind !== "missing") this.unanswered(error);
    }
  }

  async fetchView(view) {
    if (this.closed) return;
    view.again = view.fetching;
    if (view.fetching) return;
    view.fetching = true;
    const before = view.number;
    try {
      const step = Math.max(1, Math.floor(Math.max(...view.structure.shape) / SHOWN_PX));
      const ranges = view.structure.shape.map((n) => [0, n, step]);
      const found = await this.server.array(view.path, view.structure, step > 1 ? ranges : null);
      if (view.number === before && !sameData(view.picture?.data, found.data)) {
        view.number += 1;
        view.picture = toPicture(found, view.number, step);
        this.take.picture(view.name);
      }
    } catch (error) {
      this.report(error);
    }
    view.fetching = false;
    if (view.again) await this.fetchView(view);
  }

  opened(what) {
    this.polled.delete(what);
    this.take.changed();
  }

  interrupted(what, problem, failures = 0) {
    if (problem.kind !== "away") this.report(problem);
    if (problem.kind === "size" || failures >= FAILURES_BEFORE_POLLING) this.polled.add(what);
    this.take.changed();
  }

  async poll() {
    if (!this.polled.size || !this.running || this.polling) return;
    this.polling = true;
    try {
      const seen = this.progress.newest?.number;
      await this.refresh();
      if (!this.running) await this.load();
      await this.readProgress();
      this.pollingWorks = true;
      if (this.progress.newest?.number !== seen) await Promise.all([...this.views.values()].map((view) => this.fetchView(view)));
    } catch {
      this.pollingWorks = false;
    }
    this.polling = false;
    this.take.changed();
  }

  report(error) {
    if (!(error instanceof Problem)) throw error;
    if (error.kind !== "away") this.take.problem(error);
  }
}

function checkSpec(specs, uid) {
  const spec = specs.find(({ name }) => name === SPEC);
  if (!spec) throw new Problem("damaged", `${uid} is not a reconstruction: it has no spec ${SPEC}.`);
  if (String(spec.version).split(".")[0] !== SPEC_MAJOR) {
    throw new Problem("version", `Result ${uid} is of version ${spec.version}; this viewer knows version ${SPEC_MAJOR}.`);
  }
}

const sizeOf = ({ shape, data_type }) => shape.reduce((n, size) => n * size, data_type.itemsize);

function toPicture({ data, shape }, number, step = 1) {
  const [rows, columns] = shape;
  return { data, rows, columns, number, step };
}

function sameData(one, other) {
  if (!one || one.length !== other.length) return false;
  return one.every((value, i) => Object.is(value, other[i]));
}
