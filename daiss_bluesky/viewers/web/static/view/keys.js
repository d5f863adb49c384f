// Keys of the viewer, as they work and as the help lists them.

export const KEYS = [
  { key: "←↑↓→", what: "move the crosshair by a pixel; with Shift by ten" },
  { key: "+ −", what: "zoom in and out" },
  { key: "A", what: "fit the picture" },
  { key: "1", what: "one screen pixel for each array pixel" },
  { key: "F", what: "enlarge this view, or show all again" },
  { key: "L", what: "lock the levels, or let them follow" },
  { key: "M", what: "next color map" },
  { key: "I", what: "invert the colors" },
  { key: "C", what: "remove the crosshair: back to the live slices" },
  { key: "N", what: "follow the newest result" },
  { key: "R", what: "show or hide the runs" },
  { key: "K", what: "wall mode: pictures only" },
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
    l: () => page.pane()?.controls.toggleLock(),
    m: () => nextMap(page.pane()),
    i: () => page.pane()?.set({ inverted: !page.pane().settings.inverted }),
    c: () => page.setPlace(null),
    n: () => page.select(null),
    r: () => page.toggleRuns(),
    k: () => page.toggleKiosk(),
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

function nextMap(pane) {
  if (!pane) return;
  const { names } = pane.desk.colormaps;
  const now = names.indexOf(pane.settings.map ?? pane.view.map);
  pane.set({ map: names[(now + 1) % names.length] });
}
