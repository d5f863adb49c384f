// A result in the cell of a notebook: its panes and its honesty line, without the rest of the page.
import { Catalog } from "../model/catalog.js";
import { line } from "../model/honesty.js";
import { Server } from "../model/server.js";
import { initial } from "../model/state.js";
import { Colormaps } from "./colormaps.js";
import { Desk } from "./desk.js";
import { element, setText } from "./dom.js";
import { makePainter } from "./painter.js";

const CLOCK_MS = 200;
const STYLES = ["tokens", "icons", "panes", "cell"];

export class Cell {
  /** @param {HTMLElement} host @param {string} root of the Tiled server */
  constructor(host, root, apiKey, { height = 420 } = {}) {
    this.server = new Server(root, apiKey);
    this.state = initial();
    this.painted = 0;
    this.shown = null;
    this.honesty = element("p", { class: "honesty" }, "connecting");
    this.panes = element("div", { id: "panes", "data-count": "0" });
    this.trouble = element("p", { class: "trouble", role: "alert", hidden: true });
    this.frame = element("div", { class: "daiss-cell" }, this.trouble, this.panes, this.honesty);
    // A shadow keeps the notebook's styles out, and ours in.
    this.box = element("div");
    const address = (path) => new URL(path, import.meta.url).href;
    const styles = STYLES.map((name) => element("link", { rel: "stylesheet", href: address(`../style/${name}.css`) }));
    this.box.attachShadow({ mode: "open" }).append(...styles, this.frame);
    host.append(this.box);
    this.frame.addEventListener("painted", () => (this.painted += 1));
    this.frame.dataset.theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    this.resize(height);
    this.ready = this.begin(address("../colormaps.json"));
    this.clock = setInterval(() => this.tell(), CLOCK_MS);
  }

  async begin(address) {
    this.colormaps = await Colormaps.load(address);
    this.painter = makePainter(this.colormaps);
    this.problem = this.problem.bind(this);
    this.desk = new Desk(this, this.panes);
  }

  resize(height) {
    this.frame.style.height = `${height}px`;
  }

  /** Follow one result, or the newest of a run, or the newest there is. */
  async follow(resultUid, rawUid) {
    await this.ready;
    this.wanted = { resultUid, rawUid };
    if (resultUid) await this.open(resultUid);
    else await this.followNewest();
  }

  async followNewest() {
    if (!this.wanted || this.wanted.resultUid || this.asking) return;
    this.asking = true;
    try {
      this.catalog ??= await this.openCatalog();
      const { rawUid } = this.wanted;
      const run = rawUid ? this.catalog.list().find(({ uid }) => uid === rawUid) : null;
      const uid = rawUid ? run?.results[0]?.uid : this.catalog.newest();
      if (uid && uid !== this.shown) await this.open(uid);
    } catch (problem) {
      this.problem(problem);
    }
    this.asking = false;
  }

  async openCatalog() {
    const take = {
      changed: () => {},
      metadata: (uid, metadata) => {
        if (uid === this.shown) this.desk.follower?.takeMetadata(metadata);
      },
      problem: this.problem,
    };
    const catalog = new Catalog(this.server, take);
    await catalog.start();
    return catalog;
  }

  async open(uid) {
    this.shown = uid;
    try {
      this.catalog ??= await this.openCatalog();
      await this.desk.open(uid);
      this.trouble.hidden = true;
    } catch (problem) {
      this.shown = null;
      this.problem(problem);
    }
    this.changed();
  }

  result() {
    this.wake();
    const { follower } = this.desk;
    if (this.wasRunning && follower && !follower.running) setTimeout(() => this.ended?.(), CLOCK_MS * 5);
    this.wasRunning = follower?.running;
  }

  changed() {
    this.allChanged = true;
    this.wake();
  }

  /** A picture has come: nothing else is to be painted again. */
  wake() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.desk.paint(this.allChanged);
      this.allChanged = false;
      this.tell();
    });
  }

  toggleFocus(name) {
    this.state.focus = this.state.focus === name ? null : name;
    this.changed();
  }

  setPlace(place) {
    this.state.place = place;
    this.changed();
  }

  problem(problem) {
    if (!problem.kind) throw problem;
    setText(this.trouble, problem.message);
    this.trouble.hidden = false;
  }

  tell() {
    const follower = this.desk?.follower;
    if (follower?.metadata.status) setText(this.honesty, line(follower.honesty(), this.server.now_s()));
    else if (this.catalog) setText(this.honesty, "no reconstruction yet");
  }

  /** All that is seen, as a PNG; null before the first picture. */
  async snapshot() {
    const panes = [...(this.desk?.panes.values() ?? [])].filter(({ element: node }) => !node.hidden);
    if (!this.painted || !panes.length) return null;
    const outer = this.panes.getBoundingClientRect();
    const below = 34;
    const canvas = new OffscreenCanvas(Math.ceil(outer.width), Math.ceil(outer.height) + below);
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const { canvas: picture } of panes) {
      const { left, top, width, height } = picture.getBoundingClientRect();
      context.drawImage(picture, left - outer.left, top - outer.top, width, height);
    }
    context.fillStyle = "#10161f";
    context.font = "600 15px system-ui, sans-serif";
    context.fillText(this.honesty.textContent, 8, canvas.height - 12, canvas.width - 16);
    return await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
  }

  close() {
    clearInterval(this.clock);
    this.catalog?.close();
    this.desk?.close();
    this.box.remove();
  }
}
