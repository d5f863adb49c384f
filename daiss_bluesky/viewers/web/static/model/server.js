// Requests to one Tiled server, each once; whatever fails is a Problem.
import { toArray } from "./arrays.js";
import { decode } from "./msgpack.js";
import { Problem } from "./problem.js";

const ANSWER_TIMEOUT_MS = 15000;
const FLOAT32 = { kind: "f", itemsize: 4, endianness: "little" };

export class Server {
  /** @param {string} root without /api/v1 */
  constructor(root, apiKey = "") {
    this.root = root.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
    this.apiKey = apiKey;
    /** Server's clock minus ours; what ages are counted with. */
    this.ahead_s = 0;
  }

  now_s() {
    return Date.now() / 1000 + this.ahead_s;
  }

  url(path, parameters = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) [value].flat().forEach((one) => query.append(name, one));
    const text = query.toString();
    return `${this.root}/api/v1/${path}${text && `?${text}`}`;
  }

  socketUrl(path, parameters) {
    return this.url(`stream/single/${path}`, parameters).replace(/^http/, "ws");
  }

  async get(path, parameters = {}, { timeout_ms = ANSWER_TIMEOUT_MS } = {}) {
    const signal = AbortSignal.timeout(timeout_ms);
    const asked = this.isOurs ? this.ask(path, parameters, signal) : this.askFromElsewhere(path, parameters, signal);
    return await this.answer(asked, path);
  }

  async answer(asked, path) {
    let response;
    try {
      response = await asked;
    } catch {
      throw new Problem("away", `The server ${this.root} does not answer.`);
    }
    if (!response.ok) throw await refusal(response, path, this.apiKey);
    return response;
  }

  get isOurs() {
    return new URL(this.root).origin === location.origin;
  }

  ask(path, parameters, signal) {
    const headers = this.apiKey ? { Authorization: `Apikey ${this.apiKey}` } : {};
    return fetch(this.url(path, parameters), { headers, signal, cache: "no-store" });
  }

  // A page of another origin may send no headers of its own without being allowed to by name.
  askFromElsewhere(path, parameters, signal) {
    const pairs = Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
    return this.post("read", { path, parameters: pairs }, signal);
  }

  post(name, given, signal) {
    const body = JSON.stringify({ ...given, api_key: this.apiKey });
    return fetch(`${this.root}/custom/daiss/${name}`, { method: "POST", body, signal, credentials: "omit" });
  }

  async json(path, parameters, options) {
    return await body(await this.get(path, parameters, options), "json");
  }

  /** What the catalog knows of a node: metadata, specs, structure. */
  async describe(path) {
    return (await this.json(`metadata/${path}`)).data.attributes;
  }

  /**
   * Read an array or a part of it.
   * @param {[number, number, number][]} ranges start, stop and step of each axis
   */
  async array(path, structure, ranges = null) {
    const parameters = { format: "application/octet-stream" };
    let shape = structure.shape;
    if (ranges) {
      parameters.slice = ranges.map(([start, stop, step]) => `${start}:${stop}:${step}`).join(",");
      shape = ranges.map(([start, stop, step]) => Math.ceil((stop - start) / step));
    }
    const buffer = await body(await this.get(`array/full/${path}`, parameters), "arrayBuffer");
    return toArray(new Uint8Array(buffer), structure.data_type, shape);
  }

  /**
   * Slices of a result that is being made, as of now: pairs of a view and its windows' {data, shape}.
   * @param {object} asked uid, zyx of the voxel they go through, and the windows wanted of each view
   */
  async slices({ uid, zyx, windows }) {
    const asked = this.post("slices", { uid, zyx, windows }, AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    const found = decode(await body(await this.answer(asked, `slices of ${uid}`), "arrayBuffer"));
    const arrays = (parts) => parts.map(({ shape, data }) => toArray(data, FLOAT32, shape));
    return Object.entries(found).map(([name, parts]) => [name, arrays(parts)]);
  }
}

async function body(response, kind) {
  try {
    return await response[kind]();
  } catch {
    throw new Problem("away", "The server broke off in the middle of an answer.");
  }
}

async function refusal(response, path, apiKey) {
  const code = response.status;
  if (code === 401 || code === 403) {
    const sentence = apiKey ? "The server does not accept this API key." : "The server asks for an API key.";
    return new Problem("unauthorized", sentence);
  }
  if (code === 404) return new Problem("missing", `The server has no ${path.replace(/^[a-z]+\/(full\/)?/, "")}.`);
  if (code >= 500) return new Problem("away", `The server failed with ${code} on ${path}.`);
  const detail = await response.json().then((found) => found.detail, () => "");
  return new Problem("refused", `The server refuses ${path} with ${code}${detail && `: ${JSON.stringify(detail)}`}.`);
}
