// Reads msgpack (github.com/msgpack/msgpack, spec.md); binary data is not copied.

const text = new TextDecoder();

/** @param {ArrayBuffer} buffer */
export function decode(buffer) {
  const reader = new Reader(buffer);
  const value = reader.value();
  if (reader.at !== buffer.byteLength) throw new RangeError("bytes are left over after the message");
  return value;
}

class Reader {
  constructor(buffer) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.at = 0;
  }

  value() {
    const code = this.number("Uint8", 1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 0x0f);
    if (code < 0xa0) return this.list(code & 0x0f);
    if (code < 0xc0) return this.text(code & 0x1f);
    if (code >= 0xe0) return code - 0x100;
    const read = CODES[code];
    if (!read) throw new RangeError(`msgpack code 0x${code.toString(16)} is not one that Tiled sends`);
    return read(this);
  }

  number(type, size) {
    const value = this.view[`get${type}`](this.at);
    this.at += size;
    return value;
  }

  integer(type) {
    const value = this.number(type, 8);
    return Number(value);
  }

  take(length) {
    if (this.at + length > this.bytes.length) throw new RangeError("the message ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(length) {
    return text.decode(this.take(length));
  }

  list(length) {
    return Array.from({ length }, () => this.value());
  }

  map(length) {
    const found = {};
    for (let i = 0; i < length; i++) {
      const key = this.value();
      found[key] = this.value();
    }
    return found;
  }
}

const u8 = (r) => r.number("Uint8", 1);
const u16 = (r) => r.number("Uint16", 2);
const u32 = (r) => r.number("Uint32", 4);

const CODES = {
  0xc0: () => null,
  0xc2: () => false,
  0xc3: () => true,
  0xc4: (r) => r.take(u8(r)),
  0xc5: (r) => r.take(u16(r)),
  0xc6: (r) => r.take(u32(r)),
  0xca: (r) => r.number("Float32", 4),
  0xcb: (r) => r.number("Float64", 8),
  0xcc: u8,
  0xcd: u16,
  0xce: u32,
  0xcf: (r) => r.integer("BigUint64"),
  0xd0: (r) => r.number("Int8", 1),
  0xd1: (r) => r.number("Int16", 2),
  0xd2: (r) => r.number("Int32", 4),
  0xd3: (r) => r.integer("BigInt64"),
  0xd9: (r) => r.text(u8(r)),
  0xda: (r) => r.text(u16(r)),
  0xdb: (r) => r.text(u32(r)),
  0xdc: (r) => r.list(u16(r)),
  0xdd: (r) => r.list(u32(r)),
  0xde: (r) => r.map(u16(r)),
  0xdf: (r) => r.map(u32(r)),
};
