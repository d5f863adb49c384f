// The panes of one result, and what they share.
import { Follower } from "../model/follower.js";
import { LiveSlices } from "../model/live_slices.js";
import { SliceReader } from "../model/slices.js";
import { initialView } from "../model/state.js";
import { foremost, inOrder } from "../model/views.js";
import { Pane } from "./pane.js";

const VOLUME_AXES = ["z", "y", "x"];
const AGAIN_MS = 1000;

export class Desk {
  /** @param {{server, state, painter, colormaps, changed(save), problem(problem), result()}} page */
  constructor(page, element) {
    Object.assign(this, { page, element, painter: page.painter, colormaps: page.colormaps });
    this.panes = new Map();
    const take = (pane, wish, picture) => this.takeSlice(pane, wish, picture);
    this.reader = new SliceReader(page.server, take, (pane, wish, problem) => this.missSlice(pane, wish, problem));
    this.live = new LiveSlices(page.server, { changed: () => page.changed(), problem: (problem) => page.problem(problem) });
    this.fresh = new Set();
  }

  get place() {
    return this.page.state.place;
  }

  get focus() {
    return this.page.state.focus;
  }

  get metadata() {
    return this.follower?.metadata ?? {};
  }

  settings(name) {
    this.page.state.views[name] ??= initialView();
    return this.page.state.views[name];
  }

  changed(save) {
    this.page.changed(save);
  }

  toggleFocus(name) {
    this.page.toggleFocus(name);
  }

  setPlace(place) {
    if (Object.keys(place).length) this.page.setPlace({ ...this.place, ...place });
  }

  /** Follow another result; gives its follower, or throws a Problem. */
  async open(uid) {
    this.close();
    const take = {
      changed: () => this.heard(),
      picture: (name) => {
        this.fresh.add(name);
        this.page.wake();
      },
      problem: (problem) => this.page.problem(problem),
    };
    const follower = new Follower(this.page.server, uid, take);
    this.follower = follower;
    this.kind = null;
    await follower.start();
    return follower;
  }

  // Most news are figures; pictures are painted again where the result has become another.
  heard() {
    const { metadata, finals, views } = this.follower;
    const kind = [metadata.status, finals.size, views.size].join();
    if (kind !== this.kind) this.page.changed();
    this.kind = kind;
    this.page.result();
  }

  close() {
    this.follower?.close();
    this.follower = null;
    this.live.forget();
    for (const pane of this.panes.values()) pane.close();
    this.panes.clear();
    this.fresh.clear();
  }

  /**
   * Take what is new and paint it; called once for each refresh of the screen.
   * @param {boolean} all more than pictures has changed
   */
  paint(all = true) {
    if (!this.follower) return;
    this.arrange();
    const fresh = [...this.fresh];
    this.fresh.clear();
    for (const name of fresh) this.take(name);
    this.wantLive();
    for (const pane of this.panes.values()) {
      if (pane.element.hidden || !(all || pane.fresh)) continue;
      this.chooseSlice(pane);
      pane.paint();
      this.wantDetail(pane);
    }
  }

  arrange() {
    const names = inOrder(this.follower.views.keys());
    if (names.some((name) => !this.panes.has(name))) {
      for (const name of names) {
        if (!this.panes.has(name)) this.panes.set(name, new Pane(name, this));
        this.element.append(this.panes.get(name).element);
        this.fresh.add(name);
      }
    }
    const shown = this.shownOf(names);
    for (const pane of this.panes.values()) pane.element.hidden = !shown.includes(pane.name);
    this.element.dataset.count = shown.length;
    this.hiddenCount = names.length - foremost(names, (name) => this.hasPicture(name)).length;
  }

  shownOf(names) {
    if (this.panes.has(this.focus)) return [this.focus];
    return this.page.state.all ? names : foremost(names, (name) => this.hasPicture(name));
  }

  hasPicture(name) {
    return this.panes.get(name)?.slot.picture != null;
  }

  take(name) {
    const pane = this.panes.get(name);
    const picture = this.follower.pictureOf(name);
    if (!pane || !picture || (pane.sliced ?? null) !== null) return;
    pane.show(picture, this.follower.views.get(name).structure.shape);
    pane.source = { path: this.follower.views.get(name).path, structure: this.follower.views.get(name).structure };
  }

  /** While it runs, ask the reconstruction for slices at the crosshair where the views have others. */
  wantLive() {
    const own = this.livePlace();
    const zyx = own && VOLUME_AXES.map((axis, i) => this.place?.[axis] ?? own[i]);
    if (!zyx || !this.follower.running || String(zyx) === String(own)) {
      this.live.forget();
      return;
    }
    const panes = [...this.panes.values()].filter((pane) => VOLUME_AXES.includes(pane.view.across) && isSeen(pane));
    if (!panes.length) return;
    const windows = Object.fromEntries(panes.map((pane) => [pane.name, this.windowsOf(pane)]));
    this.live.want({ uid: this.follower.uid, zyx, windows, number: this.follower.progress.newest?.number });
  }

  /** The whole, and what one has zoomed into, where the whole has gaps. */
  windowsOf(pane) {
    const [rows, columns] = pane.shape;
    const whole = { rows: [0, rows], columns: [0, columns], step: stepOf(pane, pane.shape) };
    const seen = pane.window.closer(whole.step);
    return seen ? [whole, seen] : [whole];
  }

  // Which slice a view shows: that at the crosshair, if anybody has it, else its own.
  chooseSlice(pane) {
    const axis = VOLUME_AXES.indexOf(pane.view.across);
    if (axis < 0) return;
    const index = this.place?.[pane.view.across];
    const volume = this.follower.finals.get("volume");
    if (this.follower.running && this.live.newest?.pictures[pane.name]) this.showLive(pane, axis);
    else if (!this.follower.running && index < volume?.shape[axis]) this.showStored(pane, axis, index, volume);
    else this.backToOwn(pane, axis);
  }

  showLive(pane, axis) {
    const { newest, wish } = this.live;
    this.tellPlace(pane, newest.zyx[axis], wish.zyx[axis]);
    if (pane.sliced === newest) return;
    pane.sliced = newest;
    const [whole, seen = null] = newest.pictures[pane.name];
    pane.show(whole, this.follower.views.get(pane.name).structure.shape);
    pane.showDetail(seen);
    pane.source = null;
  }

  showStored(pane, axis, index, volume) {
    // What is seen, until the one that is wished for has come.
    const seen = pane.source?.axis === axis ? pane.source.index : this.livePlace()?.[axis];
    this.tellPlace(pane, seen, index);
    if (pane.sliced === index) return;
    pane.sliced = index;
    const shape = volume.shape.filter((_, i) => i !== axis);
    this.reader.want(pane, this.wish(pane, { path: `${this.follower.path}/volume`, structure: volume, axis, index, shape }));
  }

  backToOwn(pane, axis) {
    const index = this.livePlace()?.[axis];
    this.tellPlace(pane, index, this.live.awaited?.zyx[axis] ?? index);
    if (pane.sliced === undefined || pane.sliced === null) return;
    pane.sliced = null;
    this.take(pane.name);
  }

  tellPlace(pane, seen, wanted) {
    pane.across = seen === undefined ? "" : `${pane.view.across} = ${seen}${seen === wanted ? "" : ` … ${wanted}`}`;
  }

  /** Which slices the live ones are: those the result names, else the middle ones. */
  livePlace() {
    const named = this.follower.progress.newest?.parameters.slices_zyx ?? this.metadata.in_force?.slices_zyx;
    const shapeOf = (name) => this.follower.views.get(name)?.structure.shape;
    const lengths = [shapeOf("slice_xz")?.[0], ...(shapeOf("slice_xy") ?? [])];
    return named ?? (lengths.every(Boolean) ? lengths.map((n) => Math.floor(n / 2)) : null);
  }

  wish(pane, { path, structure, axis = null, index, shape }) {
    return { path, structure, axis, index, rows: [0, shape[0]], columns: [0, shape[1]], step: stepOf(pane, shape) };
  }

  // What was read with gaps is read again without them where one has zoomed in.
  wantDetail(pane) {
    const { picture } = pane.slot;
    if (!picture || !(picture.step > 1) || !pane.source) return;
    const seen = pane.window.closer(picture.step);
    if (!seen) return;
    const wish = { ...pane.source, ...seen, number: picture.number, detail: true };
    const key = JSON.stringify(wish);
    if (pane.detailKey === key) return;
    pane.detailKey = key;
    this.reader.want(pane, wish);
  }

  missSlice(pane, wish, problem) {
    this.page.problem(problem);
    if (wish.detail) pane.detailKey = null;
    else if (pane.sliced === wish.index) pane.sliced = null;
    setTimeout(() => this.page.changed(), AGAIN_MS);
  }

  takeSlice(pane, wish, picture) {
    if (this.panes.get(pane.name) !== pane) return;
    if (wish.detail) {
      if (wish.number === pane.slot.picture?.number) pane.showDetail(picture);
    } else if (pane.sliced === wish.index) {
      pane.show(picture, wish.structure.shape.filter((_, i) => i !== wish.axis));
      pane.source = { path: wish.path, structure: wish.structure, axis: wish.axis, index: wish.index };
    }
    this.page.changed();
  }
}

const isSeen = ({ element, slot }) => !element.hidden && slot.picture;

// Not more pixels than the pane has.
function stepOf({ canvas }, shape) {
  const shown = Math.max(canvas.width, canvas.height, 256);
  return Math.max(1, Math.floor(Math.max(...shape) / shown));
}
