// Mouse, pen and fingers on a picture: drag pans, wheel and pinch zoom, a tap sets the crosshair.

const TAP_PX = 5;
const DOUBLE_TAP_MS = 350;

/**
 * @param {{pan(dx, dy), zoom(factor, x, y), tap(x, y), fit(), hover(x, y), leave(), box(from, to)}} take
 *   all in pixels of the canvas
 */
export function listen(canvas, take) {
  const pointers = new Map();
  let moved = false;
  let tapped_ms = 0;
  let boxFrom = null;

  const place = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const ratio = canvas.width / bounds.width;
    return { x: (event.clientX - bounds.left) * ratio, y: (event.clientY - bounds.top) * ratio };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    boxFrom = event.ctrlKey ? place(event) : null;
    moved = pointers.size > 1;
  });

  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      take.hover(now.x, now.y);
      return;
    }
    const far = Math.hypot(now.x - before.x, now.y - before.y) > TAP_PX;
    if (!moved && !far) return;
    moved = true;
    if (boxFrom) take.box(boxFrom, now, false);
    else if (pointers.size === 2) pinch(event.pointerId, now);
    else take.pan(now.x - before.x, now.y - before.y);
    if (!boxFrom) pointers.set(event.pointerId, now);
  });

  function pinch(id, now) {
    const before = pointers.get(id);
    const [other] = [...pointers].filter(([key]) => key !== id).map(([, at]) => at);
    const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
    take.zoom(factor, (now.x + other.x) / 2, (now.y + other.y) / 2);
    take.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const at = place(event);
    if (boxFrom && moved) take.box(boxFrom, at, true);
    else if (!moved && event.type === "pointerup") tap(at);
    boxFrom = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => take.leave());

  function tap({ x, y }) {
    const now_ms = performance.now();
    const twice = now_ms - tapped_ms < DOUBLE_TAP_MS;
    tapped_ms = twice ? 0 : now_ms;
    if (twice) take.fit();
    else take.tap(x, y);
  }

  const wheel = (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    take.zoom(1.0015 ** -(event.deltaMode ? event.deltaY * 30 : event.deltaY), x, y);
  };
  canvas.addEventListener("wheel", wheel, { passive: false });
}
