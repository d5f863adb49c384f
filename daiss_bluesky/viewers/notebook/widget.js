// Shows one result in a notebook: a frame from the Tiled server, which asks it by itself,
// so that it moves while the kernel is busy. Until there is one, the picture kept last.

// Outside of the models, which are saved with notebooks.
const keys = new Map();
const waiting = new Map();

function takeKey(handle, key) {
  keys.set(handle, key);
  for (const show of waiting.get(handle) ?? []) show();
}

function theme() {
  return document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
}

function stillOf(model) {
  const kept = model.get("snapshot");
  if (!kept?.byteLength) return "";
  return URL.createObjectURL(new Blob([kept], { type: "image/png" }));
}

function initialize({ model }) {
  model.on("msg:custom", (message) => {
    if (typeof message.api_key === "string") takeKey(model.get("handle"), message.api_key);
  });
  model.send({ want: "key" });
}

function render({ model, el }) {
  const handle = model.get("handle");
  const uri = model.get("uri");
  const frame = document.createElement("iframe");
  const still = document.createElement("img");
  const note = document.createElement("p");
  Object.assign(frame, { src: `${uri}/custom/daiss/any/embed.html`, title: "live reconstruction" });
  Object.assign(frame.style, { width: "100%", height: `${model.get("height")}px`, border: "0" });
  Object.assign(still, { src: stillOf(model), alt: "the reconstruction when it was last seen" });
  still.style.maxWidth = "100%";
  note.textContent = still.src ? "" : "waiting for the kernel";
  frame.hidden = true;
  el.replaceChildren(frame, still, note);

  let ready = false;
  const show = () => {
    const key = keys.get(handle);
    if (!ready || key === undefined) return;
    frame.hidden = false;
    still.remove();
    note.remove();
    const what = { result_uid: model.get("result_uid"), raw_uid: model.get("raw_uid") };
    frame.contentWindow.postMessage({ daiss: "show", api_key: key, theme: theme(), ...what }, new URL(uri).origin);
  };
  const hear = ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== new URL(uri).origin) return;
    if (data?.daiss === "ready") {
      ready = true;
      show();
    } else if (data?.daiss === "still") {
      model.set("snapshot", new DataView(data.png));
      model.set("shown_uid", data.result_uid);
      model.save_changes();
      if (data.ended) model.send({ ended: data.result_uid });
    }
  };
  const resize = () => (frame.style.height = `${model.get("height")}px`);
  addEventListener("message", hear);
  waiting.set(handle, (waiting.get(handle) ?? new Set()).add(show));
  model.on("change:result_uid", show);
  model.on("change:raw_uid", show);
  model.on("change:height", resize);
  return () => {
    removeEventListener("message", hear);
    waiting.get(handle)?.delete(show);
  };
}

export default { initialize, render };
