// Arrays as Tiled sends them: bytes with a dtype and a shape.
import { Problem } from "./problem.js";

const KINDS = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  b1: Uint8Array,
};

/** Name of a dtype; complex numbers come as pairs of floats. */
export const dtypeName = ({ kind, itemsize }) => `${kind}${itemsize}`;

/**
 * Values of an array, little-endian as every browser has them.
 * @returns {{data: TypedArray, shape: number[], complex: boolean}}
 */
export function toArray(bytes, dataType, shape) {
  const complex = dataType.kind === "c";
  const name = complex ? `f${dataType.itemsize / 2}` : dtypeName(dataType);
  const Kind = KINDS[name];
  if (!Kind || dataType.endianness === "big") {
    throw new Problem("damaged", `The array has the dtype ${dtypeName(dataType)}, which cannot be shown.`);
  }
  const expected = shape.reduce((n, size) => n * size, dataType.itemsize);
  if (bytes.byteLength !== expected) {
    throw new Problem("damaged", `The array has ${bytes.byteLength} bytes where its shape ${shape.join(" × ")} needs ${expected}.`);
  }
  const aligned = bytes.byteOffset % Kind.BYTES_PER_ELEMENT === 0;
  const source = aligned ? bytes : bytes.slice();
  const length = expected / Kind.BYTES_PER_ELEMENT;
  return { data: new Kind(source.buffer, source.byteOffset, length), shape, complex };
}
