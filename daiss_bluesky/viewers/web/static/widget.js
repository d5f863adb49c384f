// The viewer in a cell of a notebook: an anywidget, fed by websocket from the page itself.
//
// Traits: uri, api_key, result_uid, raw_uid, height, and what it gives: snapshot, shown_uid, status. The page that shows the
// cell talks to the server, so pictures move while the kernel is busy.
//
// This file may be handed to a notebook as text: what else it needs it loads from the server.

const ASK_MS = 1000;
const SNAPSHOT_MS = 5000;

export default { render };

async function render({ model, el }) {
  const root = model.get("uri").replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  let cell;
  let closed = false;
  try {
    const { Cell } = await import(/* @vite-ignore */ `${root}/custom/daiss/any/view/cell.js`);
    cell = new Cell(el, root, model.get("api_key"), { height: model.get("height") });
  } catch {
    showFrozen(model, el, `The server ${root} cannot be reached from this page.`);
    return undefined;
  }
  const follow = () => cell.follow(model.get("result_uid"), model.get("raw_uid"));
  model.on("change:result_uid", follow);
  model.on("change:raw_uid", follow);
  model.on("change:height", () => cell.resize(model.get("height")));
  follow();
  const asking = setInterval(() => cell.followNewest(), ASK_MS);
  let kept = null;
  const keeping = setInterval(() => keep(), SNAPSHOT_MS);

  // The end counts as news, too: no other picture may come with it.
  async function keep() {
    const status = cell.desk?.follower?.metadata.status ?? "";
    const now = [cell.painted, cell.shown, status].join();
    if (closed || now === kept) return;
    kept = now;
    const snapshot = await cell.snapshot();
    if (!snapshot || closed) return;
    model.set("snapshot", new DataView(snapshot));
    model.set("shown_uid", cell.shown ?? "");
    model.set("status", status);
    model.save_changes();
  }
  cell.ended = keep;

  return () => {
    closed = true;
    clearInterval(asking);
    clearInterval(keeping);
    model.off("change:result_uid", follow);
    model.off("change:raw_uid", follow);
    cell.close();
  };
}

function showFrozen(model, el, sentence) {
  const snapshot = model.get("snapshot");
  if (snapshot?.byteLength) {
    const image = document.createElement("img");
    image.alt = "the reconstruction as it was last seen";
    image.src = URL.createObjectURL(new Blob([snapshot], { type: "image/png" }));
    el.append(image);
  }
  const said = document.createElement("p");
  said.textContent = sentence;
  el.append(said);
}
