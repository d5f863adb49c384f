// Brings the viewer into a cell: the module of the Tiled server, and the key to it.
//
// The key comes as a message and stays here: what is in the model is saved with the
// notebook. Until there is one, and without a kernel, the last picture is shown.

const keys = new Map();
const waiting = new Map();

function initialize({ model }) {
  const handle = model.get("handle");
  model.on("msg:custom", ({ api_key: key }) => {
    if (typeof key !== "string" || keys.get(handle) === key) return;
    keys.set(handle, key);
    for (const begin of waiting.get(handle) ?? []) begin();
  });
  model.send({ want: "key" });
}

function render({ model, el }) {
  const handle = model.get("handle");
  let end = null;
  let closed = false;

  async function begin() {
    const key = keys.get(handle);
    if (key === undefined || end || closed) return;
    end = () => {};
    el.replaceChildren();
    try {
      const module = await import(/* @vite-ignore */ `${model.get("uri")}/custom/daiss/any/widget.js`);
      end = (await module.default.render({ model: withKey(model, key), el })) ?? end;
      if (closed) end();
    } catch {
      end = null;
      showLast(model, el, `The server ${model.get("uri")} cannot be reached from this page.`);
    }
  }

  showLast(model, el, "waiting for the kernel");
  waiting.set(handle, (waiting.get(handle) ?? new Set()).add(begin));
  begin();
  return () => {
    closed = true;
    waiting.get(handle)?.delete(begin);
    end?.();
  };
}

/** The same model with a key that is not in it. */
function withKey(model, key) {
  return new Proxy(model, {
    get(target, name) {
      if (name === "get") return (trait) => (trait === "api_key" ? key : target.get(trait));
      const found = target[name];
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

function showLast(model, el, sentence) {
  const snapshot = model.get("snapshot");
  const said = document.createElement("p");
  said.textContent = sentence;
  el.replaceChildren(said);
  if (!snapshot?.byteLength) return;
  const image = document.createElement("img");
  image.alt = "the reconstruction as it was last seen";
  image.src = URL.createObjectURL(new Blob([snapshot], { type: "image/png" }));
  image.style.maxWidth = "100%";
  el.prepend(image);
}

export default { initialize, render };
