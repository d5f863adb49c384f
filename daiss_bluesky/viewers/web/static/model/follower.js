// Follows one result: what it says of itself, and the newest picture of each view.
import { toArray } from "./arrays.js";
import { Problem } from "./problem.js";
import { Progress, honestyOf } from "./progress.js";
import { Subscription } from "./subscription.js";

export const SPEC = "DaissReconstruction";
const SPEC_MAJOR = "1";
// Views above this are asked for in part, at the size they are shown, after each update.
export const PUSH_LIMIT_BYTES = 8e6;
const SHOWN_PX = 1024;
const POLL_MS = 1000;
const FAILURES_BEFORE_POLLING = 2;

export class Follower {
  /** @param {{changed(), picture(name), problem(problem)}} take */
  constructor(server, uid, take) {
    Object.assign(this, { server, uid, take, path: `recon/${uid}` });
    this.metadata = {};
    this.views = new Map();
    this.finals = new Map();
    this.progress = new Progress();
    this.subscriptions = new Set();
    this.polled = new Set();
    this.transport = "connecting";
    this.closed = false;
  }

  /** Throws a Problem where the result cannot be shown at all. */
  async start() {
    const found = await this.server.describe(this.path);
    checkSpec(found.specs, this.uid);
    this.metadata = found.metadata;
    if (this.running) this.subscribe();
    await this.load();
  }

  get running() {
    return this.metadata.status === "running";
  }

  honesty() {
    return honestyOf(this.metadata, this.progress.newest, !this.running);
  }

  /** News from the catalog's stream: metadata of this result. */
  takeMetadata(metadata) {
    const was = this.running;
    this.metadata = { ...this.metadata, ...metadata };
    if (this.running && !was) this.subscribe();
    // The last pictures may have been streamed before they could be read; now they can.
    if (this.running !== was) this.reload();
    this.take.changed();
  }

  /** Connect all streams anew: the server has been away. */
  async renew() {
    for (const one of this.subscriptions) one.renew();
    await this.reload();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    for (const one of this.subscriptions) one.close();
  }

  async reload() {
    try {
      this.takeFresh(await this.server.describe(this.path));
      await this.load();
    } catch (error) {
      this.report(error);
    }
  }

  takeFresh(found) {
    this.metadata = found.metadata;
    this.take.changed();
  }

  async load() {
    const [live, finals] = await Promise.all([this.children(`${this.path}/live`), this.children(this.path)]);
    for (const node of live) this.addView(node.id, node.attributes.structure);
    for (const node of finals) {
      if (node.attributes.structure_family === "array") this.finals.set(node.id, node.attributes.structure);
    }
    await Promise.all([this.readProgress(), ...[...this.views.values()].map((view) => this.fetchView(view))]);
    this.take.changed();
  }

  async children(path) {
    return (await this.server.json(`search/${path}`, { "page[limit]": 100, fields: "structure" })).data;
  }

  subscribe() {
    if (this.subscriptions.size) return;
    const rows = {
      message: ({ payload }) => this.takeRows(payload),
      open: () => this.opened("progress"),
      closed: (problem, failures) => this.interrupted("progress", problem, failures),
    };
    this.add(new Subscription(this.server, `${this.path}/progress`, rows, { envelope: "json", replayAll: true }));
    const places = {
      message: (message) => this.takeChild(message),
      open: () => {},
      closed: () => {},
    };
    this.add(new Subscription(this.server, `${this.path}/live`, places));
    for (const view of this.views.values()) this.subscribeTo(view);
    this.timer = setInterval(() => this.poll(), POLL_MS);
  }

  add(subscription) {
    this.subscriptions.add(subscription);
    return subscription;
  }

  addView(name, structure) {
    const known = this.views.get(name);
    if (known && String(known.structure.shape) === String(structure.shape)) return known;
    known?.subscription?.close();
    const view = { name, structure, path: `${this.path}/live/${name}`, picture: null, raw: null, number: 0 };
    this.views.set(name, view);
    if (this.subscriptions.size) this.subscribeTo(view);
    return view;
  }

  subscribeTo(view) {
    if (sizeOf(view.structure) > PUSH_LIMIT_BYTES) {
      this.polled.add(view);
      return;
    }
    const take = {
      message: (message) => this.takePixels(view, message),
      open: () => this.opened(view),
      closed: (problem, failures) => this.interrupted(view, problem, failures),
    };
    view.subscription = this.add(new Subscription(this.server, view.path, take));
  }

  // A view whose shape changed is another node, and its old stream is silent for ever.
  takeChild(message) {
    if (message.type !== "container-child-created") return;
    const [source] = message.data_sources ?? [];
    if (source) this.addView(message.key, source.structure);
  }

  takePixels(view, message) {
    if (message.type !== "array-data" || message.offset || message.block) return;
    // Only kept: the newest is read when it is painted.
    view.raw = message;
    view.number += 1;
    this.transport = "live";
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
      if (error.kind !== "missing") this.report(error);
    }
  }

  async fetchView(view) {
    if (view.fetching || this.closed) return;
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
  }

  opened(what) {
    this.polled.delete(what);
    this.transport = "live";
    this.take.changed();
  }

  interrupted(what, problem, failures = 0) {
    if (problem.kind === "unauthorized" || problem.kind === "damaged") this.report(problem);
    if (problem.kind === "size") this.report(problem);
    if (problem.kind === "size" || failures >= FAILURES_BEFORE_POLLING) this.polled.add(what);
    this.transport = "interrupted";
    this.take.changed();
  }

  async poll() {
    if (!this.polled.size || !this.running || this.polling) return;
    this.polling = true;
    try {
      const seen = this.progress.newest?.number;
      this.takeFresh(await this.server.describe(this.path));
      await this.readProgress();
      this.transport = "polling";
      if (this.progress.newest?.number !== seen) await Promise.all([...this.views.values()].map((view) => this.fetchView(view)));
    } catch {
      this.transport = "interrupted";
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
