// Small pictures for the list: read when their row is seen, one at a time.
import { sample } from "../model/contrast.js";
import { firstLook } from "../model/look.js";
import { THUMBNAILS, VIEWS } from "../model/views.js";
import { PlainPainter, Slot } from "./painter.js";

const SIDE_PX = 56;
const AGAIN_MS = 10000;

export class Thumbnails {
  constructor(server, colormaps) {
    Object.assign(this, { server, painter: new PlainPainter(colormaps), pictures: new Map(), waiting: new Map() });
    this.observer = new IntersectionObserver((seen) => seen.forEach((one) => this.seen(one)), { rootMargin: "100px" });
  }

  watch(canvas, result) {
    canvas.result = result;
    this.observer.observe(canvas);
    const known = this.pictures.get(result.uid);
    if (known) draw(this.painter, canvas, known);
  }

  seen({ target, isIntersecting }) {
    target.inSight = isIntersecting;
    if (isIntersecting) this.ask(target);
  }

  ask(canvas) {
    const { uid, status } = canvas.result;
    const known = this.pictures.get(uid);
    const old = known && performance.now() - known.read_ms > AGAIN_MS;
    const wanted = !known || known.status !== status || (old && (status === "running" || !known.picture));
    if (!wanted) return;
    this.waiting.set(uid, canvas);
    this.work();
  }

  /** Those of results that still run grow old. */
  refresh(canvases) {
    for (const canvas of canvases) if (canvas.inSight) this.ask(canvas);
  }

  async work() {
    if (this.working) return;
    this.working = true;
    while (this.waiting.size) {
      const [uid, canvas] = this.waiting.entries().next().value;
      this.waiting.delete(uid);
      await this.load(canvas);
    }
    this.working = false;
  }

  async load(canvas) {
    const { uid, technique, status } = canvas.result;
    const name = THUMBNAILS[technique] ?? THUMBNAILS.tomography;
    const path = `recon/${uid}/live/${name}`;
    let picture = null;
    try {
      const { structure } = await this.server.describe(path);
      const step = Math.max(1, Math.floor(Math.max(...structure.shape) / (2 * SIDE_PX)));
      const found = await this.server.array(path, structure, structure.shape.map((n) => [0, n, step]));
      const [rows, columns] = found.shape;
      picture = { data: found.data, rows, columns };
    } catch {
      // No picture in the list is no reason to disturb anybody.
    }
    const known = { picture, name, status, read_ms: performance.now() };
    this.pictures.set(uid, known);
    draw(this.painter, canvas, known);
  }
}

function draw(painter, canvas, { picture, name }) {
  Object.assign(canvas, { width: SIDE_PX * 2, height: SIDE_PX * 2 });
  if (!picture) return;
  const slot = new Slot();
  slot.put(picture);
  const pace = Math.min(picture.rows, picture.columns) / canvas.width;
  const left = (picture.columns - canvas.width * pace) / 2;
  const top = (picture.rows - canvas.height * pace) / 2;
  const frame = { left, top, pace, width: canvas.width, height: canvas.height };
  const look = firstLook(VIEWS[name], sample(picture), picture);
  painter.draw(canvas.getContext("2d"), slot, frame, { ...look, inverted: false, scale: "linear" });
}
