// What went wrong, in one clear sentence; `kind` says what may help.

export class Problem extends Error {
  /** @param {"away"|"unauthorized"|"missing"|"refused"|"damaged"|"version"|"size"} kind */
  constructor(kind, sentence) {
    super(sentence);
    this.kind = kind;
  }
}
