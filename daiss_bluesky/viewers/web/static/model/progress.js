// The progress table of a result: its rows, and what the newest says.

const JSON_COLUMNS = ["quality", "parameters"];

export class Progress {
  constructor() {
    this.rows = [];
  }

  /**
   * Take rows in columns, as Tiled sends them: repeats, and overtaken ones, too.
   *
   * Where a number comes again with another time, or a lower one comes later, the
   * reconstruction has begun anew, and what was before is dropped.
   */
  add(columns) {
    const numbers = columns.number ?? [];
    if (numbers.some((number, i) => this.contradicts(number, columns.time[i]))) this.rows = [];
    for (let i = 0; i < numbers.length; i++) {
      const place = this.placeOf(numbers[i]);
      if (this.rows[place]?.number !== numbers[i]) this.rows.splice(place, 0, readRow(columns, i));
    }
  }

  contradicts(number, time) {
    const known = this.rows[this.placeOf(number)];
    if (known?.number === number) return known.time !== time;
    return known !== undefined && time > this.newest.time;
  }

  /** Where a number is, or belongs. */
  placeOf(number) {
    let place = this.rows.length;
    while (place > 0 && this.rows[place - 1].number >= number) place -= 1;
    return place;
  }

  get newest() {
    return this.rows.at(-1) ?? null;
  }

  /** Points for a plot, without what was unknown: x is seconds since the first row. */
  curve(read) {
    const start = this.rows[0]?.time;
    return this.rows.map((row) => [row.time - start, read(row)]).filter(([, y]) => Number.isFinite(y));
  }
}

function readRow(columns, i) {
  const row = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]]));
  for (const name of JSON_COLUMNS) row[name] = parse(row[name]);
  return row;
}

function parse(text) {
  if (typeof text !== "string") return {};
  try {
    return JSON.parse(text) ?? {};
  } catch {
    // Python writes NaN, which JSON does not know.
    return parse(text.replaceAll(/\b(NaN|-?Infinity)\b/g, "null").replaceAll("-null", "null"));
  }
}

/** The fields of honesty.js from metadata and the newest row. */
export function honestyOf(metadata, row, ended) {
  const frames = metadata.frames ?? {};
  const known = {
    status: metadata.status ?? "running",
    message: metadata.message ?? "",
    frames_expected: frames.expected ?? null,
    frames_received: frames.received ?? 0,
    frames_used: frames.used ?? 0,
    frames_missing: frames.missing ?? null,
    coverage: metadata.coverage ?? 0,
    quality: metadata.quality ?? {},
    step: metadata.steps?.done ?? 0,
    steps: metadata.steps?.of ?? 0,
    published_s: row?.time ?? null,
    lag_s: row?.lag_s ?? null,
  };
  // Metadata is only brought up to date now and then while it runs, and last of all.
  return row && !ended ? { ...known, ...fromRow(row) } : known;
}

function fromRow(row) {
  const count = (value) => (value === undefined || value === null || value < 0 ? null : value);
  return {
    frames_expected: count(row.frames_expected),
    frames_received: row.frames_received,
    frames_used: row.frames_used,
    frames_missing: count(row.frames_missing),
    coverage: row.coverage,
    quality: Object.fromEntries(Object.entries(row.quality).filter(([, value]) => value !== null)),
  };
}
