// The list of runs with their results: search, filters, what is going on now.
import { filtered, statusOf } from "../model/catalog.js";
import { element, setText } from "./dom.js";

const STATUSES = ["running", "complete", "incomplete", "failed", "recorded", "abort", "fail"];
const TECHNIQUES = ["tomography", "ptychography"];
const ENOUGH = 40;
const LIMIT_LOADED = 1200;

export class RunList {
  /** @param {{state, changed(), select(uid), catalog, thumbnails}} page */
  constructor(page) {
    this.page = page;
    this.rows = new Map();
    this.search = element("input", { type: "search", placeholder: "Search, or sample=steel", "aria-label": "Search runs", oninput: () => this.filter("search", this.search.value) });
    this.status = choice("Status", STATUSES, (value) => this.filter("status", value));
    this.technique = choice("Technique", TECHNIQUES, (value) => this.filter("technique", value));
    this.list = element("ul", { class: "runs", "aria-label": "Runs, newest first" });
    this.empty = element("p", { class: "empty" });
    this.older = element("button", { type: "button", class: "older", onclick: () => this.loadMore() }, "Older runs");
    const filters = element("div", { class: "filters" }, this.search, this.status, this.technique);
    this.element = element("aside", { id: "runs", "aria-label": "Runs" }, filters, this.empty, this.list, this.older);
    this.restore();
  }

  restore() {
    const { state } = this.page;
    this.search.value = state.search;
    this.status.value = state.status;
    this.technique.value = state.technique;
  }

  filter(name, value) {
    this.page.state[name] = value;
    this.page.listChanged = true;
    this.page.changed(true);
  }

  async loadMore() {
    this.older.disabled = true;
    try {
      await this.page.catalog.more();
    } finally {
      this.older.disabled = false;
    }
  }

  show(shown) {
    const { catalog, state } = this.page;
    const runs = filtered(catalog.list(), state);
    const wanted = runs.slice(0, LIMIT_LOADED);
    const rows = wanted.map((run) => this.row(run, shown));
    const nodes = rows.map((row) => row.element);
    if (nodes.some((node, i) => this.list.children[i] !== node) || this.list.children.length !== nodes.length) this.list.replaceChildren(...nodes);
    this.older.hidden = catalog.complete || !catalog.full;
    this.empty.hidden = runs.length > 0;
    setText(this.empty, catalog.runs.size + catalog.results.size ? "No run matches." : "No runs yet. They appear here as they begin.");
    if (runs.length < ENOUGH && (state.search || state.status || state.technique)) this.lookFurther();
    this.page.thumbnails.refresh(rows.filter((row) => row.running).map((row) => row.canvas));
  }

  // A filter that finds little among the newest is meant for the older ones too.
  async lookFurther() {
    if (this.looking || this.page.catalog.runs.size > LIMIT_LOADED) return;
    this.looking = true;
    await this.page.catalog.more().catch(() => false);
    this.looking = false;
  }

  row(run, shown) {
    let row = this.rows.get(run.uid);
    if (!row) {
      row = new Row(this.page);
      this.rows.set(run.uid, row);
    }
    row.show(run, shown);
    return row;
  }
}

class Row {
  constructor(page) {
    this.page = page;
    this.canvas = element("canvas", { class: "thumb", width: "112", height: "112", "aria-hidden": "true" });
    this.title = element("b");
    this.badge = element("span", { class: "badge" });
    this.about = element("small");
    const what = element("span", { class: "what" }, this.title, element("span", { class: "below" }, this.about, this.badge));
    this.button = element("button", { type: "button", onclick: () => this.open() }, this.canvas, what);
    this.others = element("div", { class: "others" });
    this.element = element("li", {}, this.button, this.others);
  }

  open() {
    if (this.run.results.length) this.page.select(this.run.results[0].uid);
  }

  show(run, shown) {
    this.run = run;
    const [result] = run.results;
    const status = statusOf(run);
    this.running = status === "running";
    setText(this.title, `${run.scan_id === null ? run.uid.slice(0, 8) : `#${run.scan_id}`} ${run.sample}`.trim());
    setText(this.badge, status);
    this.badge.dataset.status = status;
    setText(this.about, [when(run.time_s), run.plan, result?.algorithm].filter(Boolean).join(" · "));
    this.button.disabled = !result;
    this.button.title = result ? "" : "no reconstruction of this run";
    const chosen = run.results.some(({ uid }) => uid === shown);
    if (chosen) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
    if (result) this.watch(result);
    this.showOthers(run.results, shown);
  }

  watch(result) {
    const known = this.canvas.result;
    if (known?.uid !== result.uid) this.page.thumbnails.watch(this.canvas, result);
    else if (known.status !== result.status) {
      this.canvas.result = result;
      this.page.thumbnails.ask(this.canvas);
    }
  }

  showOthers(results, shown) {
    const key = results.length < 2 ? "" : results.map(({ uid, status }) => uid + status).join() + shown;
    if (this.othersKey === key) return;
    this.othersKey = key;
    const made = results.length < 2 ? [] : results.map((one, i) => this.other(one, results.length - i, shown));
    this.others.replaceChildren(...made);
  }

  other({ uid, algorithm, status }, number, shown) {
    const text = `${number}: ${algorithm}, ${status}`;
    return element("button", { type: "button", "aria-current": uid === shown ? "true" : null, onclick: () => this.page.select(uid) }, text);
  }
}

function choice(label, values, changed) {
  const made = element("select", { "aria-label": label, onchange: () => changed(made.value) });
  made.append(element("option", { value: "" }, `any ${label.toLowerCase()}`), ...values.map((value) => element("option", { value }, value)));
  return made;
}

/** Today's by the time of day, others by the date too. */
export function when(time_s) {
  if (!time_s) return "";
  const time = new Date(time_s * 1000);
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (time.toDateString() === new Date().toDateString()) return clock;
  return `${time.toLocaleDateString("sv")} ${clock}`;
}
