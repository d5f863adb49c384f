// The page: wires model and views together.
import { Catalog } from "./model/catalog.js";
import * as credentials from "./model/credentials.js";
import { line } from "./model/honesty.js";
import { logIn, providersOf } from "./model/login.js";
import { Pulse } from "./model/pulse.js";
import { Server } from "./model/server.js";
import { read, write } from "./model/state.js";
import { Colormaps } from "./view/colormaps.js";
import { Desk } from "./view/desk.js";
import { Help, Login } from "./view/dialogs.js";
import { setText } from "./view/dom.js";
import { listenToKeys } from "./view/keys.js";
import { makePainter } from "./view/painter.js";
import { plotsOf } from "./view/plot.js";
import { RunList } from "./view/runlist.js";
import { Thumbnails } from "./view/thumbnail.js";

const CLOCK_MS = 200;
const SAVE_MS = 250;

class Page {
  constructor(colormaps) {
    credentials.takeFromFragment(location, history, sessionStorage);
    this.colormaps = colormaps;
    this.state = read(location.search);
    this.server = new Server(credentials.serverRoot(location.href), credentials.stored(sessionStorage));
    this.painter = makePainter(colormaps);
    this.thumbnails = new Thumbnails(this.server, colormaps);
    this.catalog = new Catalog(this.server, this.catalogTakes());
    this.problem = this.problem.bind(this);
    this.desk = new Desk(this, byId("panes"));
    this.runs = new RunList(this);
    this.plots = plotsOf();
    this.help = new Help();
    this.login = new Login({ key: (key) => this.useKey(key), password: (...given) => this.usePassword(...given) });
    this.shown = null;
    this.build();
  }

  build() {
    byId("content").prepend(this.runs.element);
    byId("plots").append(...this.plots.map((plot) => plot.element));
    document.body.append(this.help.dialog, this.login.dialog);
    const buttons = { "show-runs": "toggleRuns", "show-theme": "toggleTheme", "show-wall": "toggleKiosk", "show-newest": "followNewest", "show-all": "toggleAll" };
    for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", () => this[action]());
    byId("show-help").addEventListener("click", () => this.help.show());
    listenToKeys(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.dress());
    addEventListener("popstate", () => this.restore());
    setInterval(() => this.tell(), CLOCK_MS);
    new ResizeObserver(() => this.result()).observe(byId("plots"));
    this.dress();
  }

  catalogTakes() {
    return {
      changed: () => {
        this.listChanged = true;
        this.chooseResult();
        this.changed();
      },
      metadata: (uid, metadata) => {
        if (uid === this.shown) this.desk.follower?.takeMetadata(metadata);
      },
      problem: (problem) => this.problem(problem),
    };
  }

  async start() {
    this.pulse ??= new Pulse(this.server, (problem, returned) => this.heard(problem, returned));
    try {
      await this.catalog.start();
      this.clearProblem();
      this.chooseResult();
    } catch (problem) {
      this.problem(problem);
      if (problem.kind === "away") this.catalog.askAgain();
    }
  }

  // The server is back: everything is asked for again, and streams go on where they were.
  heard(problem, returned) {
    this.away = problem;
    if (returned) {
      this.catalog.renew();
      this.desk.follower?.renew();
      if (!this.desk.follower) this.chooseResult();
    }
    this.tell();
  }

  chooseResult() {
    const wanted = this.state.result ?? this.catalog.newest();
    if (wanted && wanted !== this.shown) this.open(wanted);
  }

  async open(uid) {
    this.shown = uid;
    this.clearProblem();
    try {
      await this.desk.open(uid);
    } catch (problem) {
      if (this.shown === uid && problem.kind === "away") this.shown = null;
      if (problem.kind === "missing") problem.message = `There is no result ${uid} on this server.`;
      this.problem(problem);
    }
    this.listChanged = true;
    this.changed();
  }

  /** Show one result, or the newest from now on. */
  select(uid) {
    this.state.result = uid;
    this.chooseResult();
    if (matchMedia("(max-width: 700px)").matches && uid) this.state.runs = false;
    this.listChanged = true;
    this.changed(true);
  }

  followNewest() {
    this.select(null);
  }

  result() {
    this.listChanged = true;
    this.wake();
  }

  problem(problem) {
    if (problem.kind === "unauthorized") {
      this.askForKey(problem.message);
      return;
    }
    if (problem.kind === "away") {
      this.pulse?.soon();
      return;
    }
    if (!problem.kind) throw problem;
    this.trouble = problem.message;
    this.tell();
  }

  clearProblem() {
    this.trouble = "";
  }

  async askForKey(sentence) {
    this.login.show(sentence, await providersOf(this.server));
  }

  useKey(key) {
    credentials.keep(sessionStorage, key);
    this.server.apiKey = key;
    this.shown = null;
    this.catalog.close();
    this.catalog = new Catalog(this.server, this.catalogTakes());
    this.start();
  }

  async usePassword(provider, user, password) {
    this.useKey(await logIn(this.server, provider, user, password));
  }

  setPlace(place) {
    this.state.place = place;
    this.changed(true);
  }

  pane() {
    const focused = document.activeElement?.closest?.(".pane")?.dataset.view;
    const panes = this.desk.panes;
    return panes.get(focused) ?? panes.get(this.state.focus) ?? panes.values().next().value;
  }

  toggleFocus(name) {
    this.state.focus = this.state.focus === name ? null : name;
    this.changed(true);
  }

  searchRuns() {
    this.state.runs = true;
    this.dress();
    this.runs.search.focus();
  }

  toggleRuns() {
    this.state.runs = !this.state.runs;
    this.dress();
    this.changed(true);
  }

  toggleAll() {
    this.state.all = !this.state.all;
    this.changed(true);
  }

  toggleKiosk() {
    this.state.kiosk = !this.state.kiosk;
    this.dress();
    this.changed(true);
  }

  toggleTheme() {
    this.state.theme = this.dark ? "light" : "dark";
    this.dress();
    this.changed(true);
  }

  get dark() {
    return this.state.theme ? this.state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  dress() {
    const root = document.documentElement;
    root.dataset.theme = this.dark ? "dark" : "light";
    root.classList.toggle("kiosk", this.state.kiosk);
    root.classList.toggle("without-runs", !this.state.runs);
    byId("show-runs").setAttribute("aria-expanded", String(this.state.runs));
    this.changed();
  }

  restore() {
    Object.assign(this.state, read(location.search));
    this.shown = null;
    this.runs.restore();
    this.chooseResult();
    this.dress();
  }

  /** Something is to be painted; `save` when it belongs into the address. */
  changed(save = false) {
    if (save) this.saveSoon();
    this.allChanged = true;
    this.wake();
  }

  /** A picture has come: nothing else is to be painted again. */
  wake() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.paint());
  }

  saveSoon() {
    clearTimeout(this.saver);
    this.saver = setTimeout(() => {
      const query = write(this.state);
      history.replaceState(null, "", location.pathname + (query && `?${query}`));
    }, SAVE_MS);
  }

  paint() {
    this.waiting = false;
    this.desk.paint(this.allChanged);
    this.allChanged = false;
    if (this.listChanged) {
      this.listChanged = false;
      this.runs.show(this.shown);
      const { follower } = this.desk;
      for (const plot of this.plots) {
        if (follower) plot.show(follower.progress);
        else plot.element.hidden = true;
      }
    }
    this.tell();
  }

  /** What is said in words, brought up to date as time goes on. */
  tell() {
    const { follower } = this.desk;
    const honesty = follower?.honesty();
    const now_s = this.server.now_s();
    setText(byId("honesty"), honesty && follower.metadata.status ? line(honesty, now_s) : "no reconstruction yet");
    byId("honesty").dataset.status = honesty?.status ?? "";
    setText(byId("title"), follower?.metadata.status ? titleOf(follower.metadata) : "daiss");
    setText(byId("message"), honesty?.message ?? "");
    byId("bar").value = honesty?.coverage ?? 0;
    byId("bar").hidden = honesty?.status !== "running";
    byId("show-all").hidden = !this.desk.hiddenCount;
    setText(byId("show-all"), this.state.all ? "fewer views" : `${this.desk.hiddenCount} more views`);
    byId("nothing").hidden = this.desk.panes.size > 0 || this.login.dialog.open;
    byId("panes").hidden = this.desk.panes.size === 0;
    this.tellConnection(follower);
    const banner = this.away?.message ?? this.trouble ?? "";
    setText(byId("banner"), banner);
    byId("banner").hidden = !banner;
    const behind = this.state.result ? this.catalog.newerThan(this.state.result) : 0;
    byId("show-newest").hidden = !this.state.result;
    setText(byId("show-newest"), behind ? `${behind} newer: follow (L)` : "follow the newest (L)");
  }

  tellConnection(follower) {
    let state = "connecting";
    if (this.away) state = "away";
    else if (follower?.metadata.status) state = follower.running ? follower.transport : "finished";
    else if (this.catalog.results.size === 0 && this.pulse) state = "waiting";
    setText(byId("connection"), state);
    byId("connection").dataset.state = state;
  }
}

function titleOf({ scan_id, sample, technique, algorithm, started }) {
  const name = [scan_id === null || scan_id === undefined ? "" : `#${scan_id}`, sample].filter(Boolean).join(" ");
  const clock = started ? new Date(started * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : "";
  return [name, technique, algorithm, clock].filter(Boolean).join(" · ");
}

const byId = (id) => document.getElementById(id);

const page = new Page(await Colormaps.load(new URL("colormaps.json", import.meta.url)));
page.start();
