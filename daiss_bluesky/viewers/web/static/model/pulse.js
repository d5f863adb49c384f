// Asks every few seconds whether the server is there; sockets do not tell.
import { Problem } from "./problem.js";

const [EVERY_MS, ANSWER_MS, AWAY_EVERY_MS] = [5000, 4000, 1000];
const WRONG_CLOCK_S = 2;

export class Pulse {
  /** @param {(problem: Problem|null, returned: boolean) => void} changed */
  constructor(server, changed) {
    Object.assign(this, { server, changed, away_since_ms: null });
    this.awake = () => this.soon();
    addEventListener("online", this.awake);
    document.addEventListener("visibilitychange", this.awake);
    this.beat();
  }

  get away() {
    return this.away_since_ms !== null;
  }

  close() {
    clearTimeout(this.timer);
    this.closed = true;
    removeEventListener("online", this.awake);
    document.removeEventListener("visibilitychange", this.awake);
  }

  /** Ask now: something looks wrong. */
  soon() {
    if (this.asking || this.closed) return;
    clearTimeout(this.timer);
    this.beat();
  }

  async beat() {
    this.asking = true;
    try {
      const asked_s = Date.now() / 1000;
      const response = await fetch(`${this.server.root}/healthz`, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (!response.ok) throw new Error();
      this.setClock(asked_s, response.headers.get("date"));
      this.found();
    } catch {
      this.lost();
    }
    this.asking = false;
    if (!this.closed) this.timer = setTimeout(() => this.beat(), this.away ? AWAY_EVERY_MS : EVERY_MS);
  }

  found() {
    const returned = this.away;
    this.away_since_ms = null;
    if (returned) this.changed(null, true);
  }

  lost() {
    this.away_since_ms ??= Date.now();
    const seconds = Math.round((Date.now() - this.away_since_ms) / 1000);
    const sentence = `The server ${this.server.root} is away, for ${seconds} s now; trying again. The pictures are the last ones received.`;
    this.changed(new Problem("away", sentence), false);
  }

  // The header counts whole seconds; ages need better only where a clock is plainly wrong.
  setClock(asked_s, date) {
    const theirs_s = Date.parse(date) / 1000 + 0.5;
    const ahead_s = theirs_s - (asked_s + Date.now() / 1000) / 2;
    this.server.ahead_s = Math.abs(ahead_s) > WRONG_CLOCK_S ? ahead_s : 0;
  }
}
