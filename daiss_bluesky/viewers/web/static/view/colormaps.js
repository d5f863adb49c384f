// Tables of 256 colors, the same ones as on the desktop.

const GRAY = Array.from({ length: 256 }, (_, i) => [i, i, i]);

export class Colormaps {
  constructor(tables) {
    this.tables = new Map(Object.entries(tables).map(([name, table]) => [name, rgba(table)]));
  }

  static async load(address) {
    try {
      return new Colormaps(await (await fetch(address)).json());
    } catch {
      return new Colormaps({ gray: GRAY });
    }
  }

  get names() {
    return [...this.tables.keys()];
  }

  /** Red, green, blue and alpha of 256 colors; gray where a name is unknown. */
  table(name) {
    return this.tables.get(name) ?? this.tables.get("gray");
  }
}

function rgba(table) {
  return new Uint8Array(table.flatMap(([red, green, blue]) => [red, green, blue, 255]));
}
