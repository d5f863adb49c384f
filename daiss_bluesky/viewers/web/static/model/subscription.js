// One stream of Tiled over a websocket: reconnects, and goes on where it broke off.
import { decode } from "./msgpack.js";
import { Problem } from "./problem.js";

export const MESSAGE_LIMIT_BYTES = 64e6;
const WAITS_MS = [300, 600, 1200, 2500, 5000];
// Newer pictures replace older ones, so after longer than this the newest alone is fetched.
const REPLAY_WITHIN_MS = 5000;
// A slow line, or a page that slept, is behind by the messages that wait for it.
const BEHIND_MS = 5000;
const [EXPECTED_AUTH, REFUSED_AUTH, ENDED] = [4001, 4003, 1000];

export class Subscription {
  /**
   * @param {object} take what happens: `message(message)`, `open()` after every connection,
   *   `closed(problem)` when there is none, `ended()` when the producer has closed the stream
   * @param {"msgpack"|"json"} envelope
   * @param {boolean} replayAll every message matters, not the newest alone
   */
  constructor(server, path, take, { envelope = "msgpack", replayAll = false } = {}) {
    Object.assign(this, { server, path, take, envelope, replayAll });
    this.last = null;
    this.failures = 0;
    this.lost_ms = 0;
    this.stopped = false;
    this.connect();
  }

  get isOpen() {
    return Boolean(this.socket) && this.schema !== null;
  }

  connect() {
    const parameters = { envelope_format: this.envelope };
    const recent = performance.now() - this.lost_ms < REPLAY_WITHIN_MS;
    if (this.last !== null && (recent || this.replayAll)) parameters.start = this.last + 1;
    const socket = new WebSocket(this.server.socketUrl(this.path, parameters));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.schema = null;
    this.first = true;
    socket.onopen = () => {
      // A key in the address would end up in logs.
      if (this.server.apiKey) socket.send(JSON.stringify({ type: "auth", api_key: this.server.apiKey }));
    };
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.lose(socket, event);
  }

  /** Connect anew at once: what the heart beat found dead, or a network that is back. */
  renew() {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.drop();
    this.connect();
  }

  close() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.drop();
  }

  drop() {
    if (!this.socket) return;
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
    this.lost_ms = performance.now();
  }

  receive(data) {
    const size = data.byteLength ?? data.length;
    if (size > MESSAGE_LIMIT_BYTES) {
      const limit = `${MESSAGE_LIMIT_BYTES / 1e6} MB`;
      const sentence = `A message of ${(size / 1e6).toFixed(0)} MB for ${this.path} is above the limit of ${limit}.`;
      this.close();
      this.take.closed(new Problem("size", sentence));
      return;
    }
    let message;
    try {
      message = typeof data === "string" ? JSON.parse(data) : decode(data);
    } catch (error) {
      this.take.closed(new Problem("damaged", `A message for ${this.path} is damaged: ${error.message}.`));
      return;
    }
    if (this.schema === null) {
      this.schema = message;
      this.failures = 0;
      this.take.open(this);
      return;
    }
    if (this.isRepeated(message.sequence)) return;
    if (!this.replayAll && this.isBehind(message.timestamp)) {
      this.last = null;
      this.renew();
      return;
    }
    this.take.message(message, this.schema);
  }

  // Clocks differ by an unknown time; what a message took at least is taken for that.
  isBehind(timestamp) {
    const took_ms = Date.now() - Date.parse(timestamp);
    if (!Number.isFinite(took_ms)) return false;
    this.least_ms = Math.min(this.least_ms ?? Infinity, took_ms);
    return took_ms - this.least_ms > BEHIND_MS;
  }

  // A server that was started again counts from 1: then the first number may be small.
  isRepeated(sequence) {
    const repeated = !this.first && this.last !== null && sequence <= this.last;
    this.first = false;
    if (!repeated) this.last = sequence;
    return repeated;
  }

  lose(socket, event) {
    if (socket !== this.socket || this.stopped) return;
    this.socket = null;
    if (this.schema !== null) this.lost_ms = performance.now();
    if (event.code === ENDED && this.schema !== null) {
      this.stopped = true;
      this.take.ended?.();
      return;
    }
    if (event.code === REFUSED_AUTH || event.code === EXPECTED_AUTH) {
      this.stopped = true;
      const sentence = this.server.apiKey ? "The server does not accept this API key." : "The server asks for an API key.";
      this.take.closed(new Problem("unauthorized", sentence));
      return;
    }
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.take.closed(new Problem("away", `The stream ${this.path} is interrupted.`), this.failures);
    this.timer = setTimeout(() => this.connect(), wait * (0.8 + 0.4 * Math.random()));
  }
}
