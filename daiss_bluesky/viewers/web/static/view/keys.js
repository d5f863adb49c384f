// Keys of the viewer, as they work and as the help lists them.

export const KEYS = [
  { key: "←↑↓→", what: "move the crosshair by a pixel; with Shift by ten" },
  { key: "+ −", what: "zoom in and out" },
  { key: "A", what: "fit the picture" },
  { key: "1", what: "one screen pixel for each array pixel" },
  { key: "F", what: "enlarge this view, or show all again" },
  { key: "K", what: "lock the levels, or let them follow" },
  { key: "I", what: "invert the colors" },
  { key: "C", what: "next color map" },
  { key: "G", what: "linear, logarithmic, square root" },
  { key: "X", what: "remove the crosshair: back to the live slices" },
  { key: "L", what: "follow the latest result" },
  { key: "/", what: "search the runs" },
  { key: "R", what: "show or hide the runs" },
  { key: "W", what: "wall mode: pictures only" },
  { key: "T", what: "dark or light" },
  { key: "?", what: "this list" },
];

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const ZOOM = 1.25;

/** @param {object} page what the keys act upon; `page.pane()` is the focused view, or the first */
export function listenToKeys(page) {
  const act = {
    "+": () => zoom(page.pane(), ZOOM),
    "=": () => zoom(page.pane(), ZOOM),
    "-": () => zoom(page.pane(), 1 / ZOOM),
    a: () => page.pane()?.window.fit(),
    1: () => page.pane()?.window.zoomTo(1),
    f: () => page.pane() && page.toggleFocus(page.pane().name),
    k: () => page.pane()?.controls.toggleLock(),
    i: () => page.pane()?.set({ inverted: !page.pane().settings.inverted }),
    c: () => page.pane()?.controls.nextMap(),
    g: () => page.pane()?.controls.nextScale(),
    x: () => page.setPlace(null),
    l: () => page.select(null),
    "/": () => page.searchRuns(),
    r: () => page.toggleRuns(),
    w: () => page.toggleKiosk(),
    t: () => page.toggleTheme(),
    "?": () => page.help.show(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const arrow = ARROWS[event.key];
    const action = arrow ? () => move(page.pane(), arrow, event.shiftKey) : act[event.key.toLowerCase()];
    if (!action || (arrow && !event.target.matches(".pane canvas, body"))) return;
    event.preventDefault();
    action();
    page.changed(true);
  });
}

const isTyping = (target) => target.matches("input, select, textarea, dialog *");

function move(pane, [down, right], far) {
  const by = far ? 10 : 1;
  pane?.step(down * by, right * by);
}

function zoom(pane, factor) {
  pane?.window.zoomAt(factor, pane.canvas.width / 2, pane.canvas.height / 2);
}
