// One result in a frame of a notebook: the page around it says which one, and gives the key.
import { Catalog } from "./model/catalog.js";
import { levels, sample } from "./model/contrast.js";
import { line } from "./model/honesty.js";
import { Pulse } from "./model/pulse.js";
import { Follower } from "./model/follower.js";
import { serverRoot } from "./model/credentials.js";
import { Server } from "./model/server.js";
import { inOrder, viewOf } from "./model/views.js";
import { Colormaps } from "./view/colormaps.js";
import { Slot, makePainter } from "./view/painter.js";
import { compose } from "./view/still.js";

const SHOWN = 4;
const CLOCK_MS = 250;
const STILL_EVERY_MS = 5000;
const AGAIN_MS = 500;

class Embedded {
  constructor(colormaps) {
    this.painter = makePainter(colormaps);
    this.panes = new Map();
    this.still_ms = 0;
    this.problem = this.problem.bind(this);
    addEventListener("message", (event) => this.hear(event));
    new ResizeObserver(() => this.changed()).observe(byId("panes"));
    setInterval(() => this.tell(), CLOCK_MS);
    parent.postMessage({ daiss: "ready" }, "*");
  }

  hear({ source, origin, data }) {
    if (source !== parent || data?.daiss !== "show") return;
    this.notebook = origin;
    document.documentElement.dataset.theme = data.theme;
    // Without a key a login of the user's own would be lent to whatever page this is in.
    if (data.api_key) this.show(data);
  }

  async show({ api_key, result_uid, raw_uid }) {
    Object.assign(this, { result_uid, raw_uid });
    if (this.server?.apiKey === api_key) {
      this.choose();
      return;
    }
    this.close();
    this.server = new Server(serverRoot(location.href), api_key);
    const take = {
      changed: () => this.choose(),
      metadata: (uid, metadata) => uid === this.follower?.uid && this.follower.takeMetadata(metadata),
      problem: this.problem,
    };
    this.catalog = new Catalog(this.server, take);
    this.pulse ??= new Pulse(this.server, (problem, returned) => this.heard(problem, returned));
    try {
      await this.catalog.start();
    } catch (problem) {
      this.problem(problem);
      if (problem.kind === "away") this.catalog.askAgain();
    }
  }

  close() {
    this.catalog?.close();
    this.follower?.close();
  }

  heard(problem, returned) {
    this.away = problem;
    if (!returned) return;
    this.catalog.renew();
    this.follower?.renew();
  }

  choose() {
    const { results } = this.catalog;
    const ofRun = (uid) => !this.raw_uid || results.get(uid)?.raw_uid === this.raw_uid;
    const wanted = this.result_uid || this.catalog.newestFirst().find(ofRun);
    if (wanted && wanted !== this.follower?.uid) this.open(wanted);
  }

  async open(uid) {
    this.follower?.close();
    this.trouble = "";
    const take = { changed: () => this.changed(), picture: () => this.changed(), problem: this.problem };
    const follower = new Follower(this.server, uid, take);
    this.follower = follower;
    try {
      await follower.start();
    } catch (problem) {
      // A result is told of before the places of its views are made.
      if (problem.kind === "missing" && follower.running) setTimeout(() => follower.closed || follower.reload(), AGAIN_MS);
      else this.problem(problem);
    }
  }

  problem(problem) {
    if (!problem.kind) throw problem;
    if (problem.kind === "away") this.pulse?.soon();
    else this.trouble = problem.message;
  }

  changed() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.waiting = false;
    if (!this.follower) return;
    const shown = inOrder(this.follower.views.keys()).slice(0, SHOWN);
    for (const [name, pane] of this.panes) {
      if (shown.includes(name)) continue;
      pane.figure.remove();
      this.panes.delete(name);
    }
    const figures = shown.map((name) => (this.panes.get(name) ?? this.addPane(name)).figure);
    // To move a figure costs a layout: only where one came between others.
    if (figures.some((figure, i) => figure !== byId("panes").children[i])) byId("panes").replaceChildren(...figures);
    for (const name of shown) this.paintPane(name);
    this.tell();
  }

  paintPane(name) {
    const pane = this.panes.get(name);
    const picture = this.follower.pictureOf(name);
    if (!picture) return;
    if (picture !== pane.slot.picture) {
      pane.slot.put(picture);
      [pane.low, pane.high] = levels(sample(picture), "percentile", picture);
    }
    const { canvas, slot, low, high } = pane;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((n) => Math.max(1, Math.round(n * devicePixelRatio)));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const { step = 1 } = picture;
    const [rows, columns] = [picture.rows * step, picture.columns * step];
    const pace = Math.max(columns / width, rows / height);
    const frame = { left: (columns - width * pace) / 2, top: (rows - height * pace) / 2, pace, width, height };
    const to = canvas.getContext("2d");
    to.clearRect(0, 0, width, height);
    this.painter.draw(to, slot, frame, { map: viewOf(name).map, inverted: false, low, high, scale: "linear" });
    canvas.setAttribute("aria-label", `${viewOf(name).title}, ${rows} × ${columns}, update ${picture.number}`);
  }

  addPane(name) {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    caption.textContent = viewOf(name).title;
    canvas.setAttribute("role", "img");
    figure.dataset.view = name;
    figure.append(canvas, caption);
    const pane = { figure, canvas, slot: new Slot(), title: viewOf(name).title, low: 0, high: 1 };
    this.panes.set(name, pane);
    return pane;
  }

  tell() {
    const banner = this.away?.message ?? this.trouble ?? "";
    byId("banner").textContent = banner;
    byId("banner").hidden = !banner;
    const metadata = this.follower?.metadata ?? {};
    if (metadata.status) {
      byId("title").textContent = titleOf(metadata);
      byId("honesty").textContent = line(this.follower.honesty(), this.server.now_s());
      this.keepStill(metadata.status);
    } else if (this.server) byId("honesty").textContent = "no reconstruction yet";
  }

  /** Give the notebook a picture now and then, and the last one when nothing more comes. */
  keepStill(status) {
    const ended = status !== "running";
    const state = `${this.follower.uid} ${status}`;
    const numbers = [...this.panes.values()].map(({ slot }) => slot.picture?.number ?? 0).join();
    const news = numbers !== this.stillNumbers || state !== this.stillState;
    const due = ended || performance.now() - this.still_ms > STILL_EVERY_MS;
    if (!news || !due || !this.panes.size || this.composing) return;
    Object.assign(this, { stillNumbers: numbers, stillState: state, still_ms: performance.now(), composing: true });
    const words = [byId("title").textContent, byId("honesty").textContent];
    compose([...this.panes.values()], words).then((png) => {
      this.composing = false;
      const still = { daiss: "still", png, ended, result_uid: this.follower.uid };
      parent.postMessage(still, this.notebook, [png]);
    });
  }
}

function titleOf({ scan_id, sample: name, technique, algorithm }) {
  return [scan_id == null ? "" : `scan ${scan_id}`, name, technique, algorithm].filter(Boolean).join(" · ");
}

const byId = (id) => document.getElementById(id);

new Embedded(await Colormaps.load(new URL("colormaps.json", import.meta.url)));
