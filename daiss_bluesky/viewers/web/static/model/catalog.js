// Runs and results there are, newest first; told of new ones, and asking from time to time.
import { Subscription } from "./subscription.js";

const PAGE = 60;
const ASK_EVERY_MS = 20000;
const ASK_AGAIN_MS = 2000;
// A run's plan may hold thousands of angles; of these its row shows none.
const RUN_FACTS = ["scan_id", "time", "plan_name", "sample_name", "proposal", "operator", "comment", "num_points"];
const SELECT_RUN = `{start: start.{${RUN_FACTS.map((key) => `${key}: ${key}`).join(", ")}, tomography: tomography.{sample: sample},
  ptychography: ptychography.{sample: sample}}, stop: stop.{exit_status: exit_status}}`;

export class Catalog {
  /**
   * @param {{changed(), metadata(uid, metadata), problem(problem)}} take `metadata` is told
   *   of every change of a result
   */
  constructor(server, take) {
    Object.assign(this, { server, take });
    this.results = new Map();
    this.runs = new Map();
    this.pages = { recon: 0, raw: 0 };
    this.subscriptions = new Map();
    this.complete = false;
  }

  async start() {
    await this.ask();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    for (const one of this.subscriptions.values()) one.close();
  }

  /** The newest page of both, again: what push has missed. */
  async ask() {
    clearTimeout(this.timer);
    // Asked for by name, a folder that is not made yet would be an error in the browser's log.
    const folders = (await this.server.json("search/", { fields: "structure_family" })).data.map(({ id }) => id);
    const found = await Promise.all(["recon", "raw"].map((path) => (folders.includes(path) ? this.page(path, 0) : null)));
    this.take.changed();
    if (this.closed) return;
    this.timer = setTimeout(() => this.askAgain(), found.includes(null) ? ASK_AGAIN_MS : ASK_EVERY_MS);
  }

  askAgain() {
    this.ask().catch((error) => {
      if (error.kind !== "away") this.take.problem(error);
      if (!this.closed) this.timer = setTimeout(() => this.askAgain(), ASK_AGAIN_MS);
    });
  }

  /** Whether there may be more than the newest page. */
  get full() {
    return this.results.size >= PAGE || this.runs.size >= PAGE;
  }

  /** Older ones; gives false when there are none. */
  async more() {
    if (this.complete || !this.full) return false;
    const pages = { recon: this.pages.recon + 1, raw: this.pages.raw + 1 };
    const known = Object.entries(pages).filter(([path]) => this.subscriptions.has(path));
    const counts = await Promise.all(known.map(([path, n]) => this.page(path, n)));
    this.pages = pages;
    this.complete = counts.every((n) => !n);
    this.take.changed();
    return !this.complete;
  }

  /** Gives how many came. */
  async page(path, n) {
    const parameters = { sort: "-", "page[offset]": n * PAGE, "page[limit]": PAGE, fields: "metadata" };
    if (path === "raw") parameters.select_metadata = SELECT_RUN;
    const found = (await this.server.json(`search/${path}`, parameters)).data;
    for (const node of found) this.put(path, node.id, node.attributes.metadata);
    this.subscribe(path);
    return found.length;
  }

  put(path, uid, metadata) {
    const kept = path === "recon" ? this.results : this.runs;
    const known = kept.get(uid);
    kept.set(uid, metadata.selected ?? metadata);
    if (path === "recon" && known && known.status !== metadata.status) this.take.metadata(uid, metadata);
  }

  subscribe(path) {
    if (this.subscriptions.has(path) || this.closed) return;
    const take = { message: (message) => this.takeChild(path, message), open: () => {}, closed: () => {} };
    this.subscriptions.set(path, new Subscription(this.server, path, take, { replayAll: true }));
  }

  renew() {
    for (const one of this.subscriptions.values()) one.renew();
    this.askAgain();
  }

  takeChild(path, { key, metadata }) {
    if (!key || !metadata) return;
    const kept = path === "recon" ? this.results : this.runs;
    // A message has all keys at the start and may have the changed ones alone later.
    kept.set(key, { ...kept.get(key), ...metadata });
    if (path === "recon") this.take.metadata(key, kept.get(key));
    this.take.changed();
  }

  /** @returns {Run[]} newest first, each with its results, newest first */
  list() {
    const runs = new Map([...this.runs].map(([uid, metadata]) => [uid, toRun(uid, metadata)]));
    for (const [uid, metadata] of this.results) {
      const result = toResult(uid, metadata);
      if (!runs.has(result.raw_uid)) runs.set(result.raw_uid, runOf(result, metadata));
      runs.get(result.raw_uid).results.push(result);
    }
    for (const run of runs.values()) run.results.sort((a, b) => b.started_s - a.started_s);
    return [...runs.values()].sort((a, b) => b.time_s - a.time_s);
  }

  /** Uid of the newest result, or null. */
  newest() {
    return this.newestFirst()[0] ?? null;
  }

  /** How many results have begun after this one. */
  newerThan(uid) {
    return Math.max(0, this.newestFirst().indexOf(uid));
  }

  newestFirst() {
    const started = ([, metadata]) => metadata.started ?? 0;
    return [...this.results].sort((a, b) => started(b) - started(a)).map(([uid]) => uid);
  }
}

/** Those that match: words anywhere, or key=value. */
export function filtered(runs, { search, status, technique }) {
  const terms = search.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (technique && run.technique !== technique) return false;
    if (status && statusOf(run) !== status) return false;
    return terms.every((term) => matches(run, term));
  });
}

/** The state that a run's badge shows: that of its newest result, else its own. */
export const statusOf = (run) => run.results[0]?.status ?? (run.status === "success" ? "recorded" : run.status);

function matches(run, term) {
  const [key, value] = term.split("=", 2);
  if (value !== undefined) return String(run.facts[key] ?? "").toLowerCase().includes(value);
  return Object.values(run.facts).some((fact) => String(fact).toLowerCase().includes(term));
}

function toRun(uid, { start, stop }) {
  start ??= {};
  const technique = ["tomography", "ptychography"].find((name) => start[name]) ?? "";
  const run = {
    uid,
    scan_id: start.scan_id ?? null,
    time_s: start.time ?? 0,
    plan: start.plan_name ?? "",
    sample: nameOf(start[technique]?.sample ?? start.sample_name),
    technique,
    status: stop?.exit_status ?? "running",
    results: [],
  };
  return { ...run, facts: { ...scalars(start), ...run, results: undefined, id: uid } };
}

// A result outlives its run where a catalog of runs is emptied, or is another one.
function runOf(result, metadata) {
  const run = {
    uid: result.raw_uid,
    scan_id: metadata.scan_id ?? null,
    time_s: metadata.started ?? 0,
    plan: "",
    sample: nameOf(metadata.sample),
    technique: metadata.technique ?? "",
    status: "unknown",
    results: [],
  };
  return { ...run, facts: { ...scalars(metadata), ...run, results: undefined, id: result.raw_uid } };
}

function toResult(uid, metadata) {
  return {
    uid,
    raw_uid: metadata.raw_uid ?? uid,
    technique: metadata.technique ?? "",
    algorithm: metadata.algorithm ?? "",
    status: metadata.status ?? "unknown",
    started_s: metadata.started ?? 0,
  };
}

const nameOf = (sample) => (typeof sample === "object" && sample ? (sample.name ?? "") : String(sample ?? ""));

function scalars(document) {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => typeof value !== "object"));
}
