// Tables of 256 colors, the same ones as on the desktop.

const GRAY = Array.from({ length: 256 }, (_, i) => [i, i, i]);

const INVERTED = "_inverted";

export class Colormaps {
  /** @param {{maps, missing}} tables 256 times [red, green, blue] by name; color of what is no number */
  constructor({ maps, missing }) {
    this.tables = new Map(Object.entries(maps).map(([name, table]) => [name, rgba(table)]));
    this.missing = missing;
  }

  static async load(address) {
    try {
      return new Colormaps(await (await fetch(address)).json());
    } catch {
      return new Colormaps({ maps: { gray: GRAY }, missing: [178, 34, 102] });
    }
  }

  /** Those that can be chosen; each can be inverted besides. */
  get names() {
    return [...this.tables.keys()].filter((name) => !name.endsWith(INVERTED));
  }

  /** Red, green, blue and alpha of 256 colors; gray where a name is unknown. */
  table(name) {
    return this.tables.get(name) ?? this.tables.get("gray");
  }
}

function rgba(table) {
  return new Uint8Array(table.flatMap(([red, green, blue]) => [red, green, blue, 255]));
}
