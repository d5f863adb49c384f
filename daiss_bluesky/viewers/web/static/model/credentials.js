// The key to the Tiled server: kept for this tab only, never in an address.

const PLACE = "daiss.api_key";

/** Take a key out of the fragment (#key=...), which browsers send to nobody. */
export function takeFromFragment(location, history, storage) {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const key = fragment.get("key");
  if (key === null) return;
  keep(storage, key.trim());
  fragment.delete("key");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
}

export const stored = (storage) => storage.getItem(PLACE) ?? "";
export const keep = (storage, key) => storage.setItem(PLACE, key);
export const forget = (storage) => storage.removeItem(PLACE);

/** Where the server is: this page stands under /custom/daiss/ of it. */
export function serverRoot(href) {
  const url = new URL(href);
  const end = url.pathname.search(/\/(custom|api\/v1)\/daiss(\/|$)/);
  return url.origin + (end < 0 ? "" : url.pathname.slice(0, end));
}
