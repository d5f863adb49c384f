// Draws arrays in colors for all panes, with one WebGL2 context; without WebGL2, by hand.
import { FRAGMENT, VERTEX } from "./shader.js";

const SCALES = { linear: 0, log: 1, sqrt: 2 };

/**
 * An array that is drawn again and again: slot.put(picture), painter.draw(...).
 * `row`, `column` and `step` of a picture say which pixels of the whole array it has.
 */
export class Slot {
  constructor() {
    this.picture = null;
    this.painted = null;
  }

  put(picture) {
    this.picture = picture;
  }
}

export function makePainter(colormaps) {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  return gl ? new GlPainter(canvas, gl, colormaps) : new PlainPainter(colormaps);
}

class GlPainter {
  constructor(canvas, gl, colormaps) {
    Object.assign(this, { canvas, gl, colormaps, kind: "WebGL2" });
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.begin());
    this.begin();
  }

  begin() {
    const { gl } = this;
    this.textures = new WeakMap();
    this.maps = new Map();
    this.program = link(gl);
    this.places = Object.fromEntries(
      ["values", "colors", "size", "origin", "pace", "height", "levels", "scale", "inverted", "missing"].map((name) => [name, gl.getUniformLocation(this.program, name)]),
    );
    gl.bindVertexArray(gl.createVertexArray());
  }

  /**
   * @param {CanvasRenderingContext2D} to
   * @param {{left, top, pace, width, height}} frame array place at the corner, array pixels per
   *   canvas pixel, canvas pixels
   * @param {{map, inverted, low, high, scale}} look
   */
  draw(to, slot, frame, look) {
    const { gl, canvas } = this;
    if (!slot.picture || gl.isContextLost()) return;
    this.grow(frame.width, frame.height);
    const { rows, columns, row = 0, column = 0, step = 1 } = slot.picture;
    gl.viewport(0, 0, frame.width, frame.height);
    gl.useProgram(this.program);
    gl.activeTexture(gl.TEXTURE0);
    this.upload(slot);
    gl.activeTexture(gl.TEXTURE1);
    this.bindMap(look.map);
    const { places } = this;
    gl.uniform1i(places.values, 0);
    gl.uniform1i(places.colors, 1);
    gl.uniform2f(places.size, columns, rows);
    gl.uniform2f(places.origin, (frame.left - column) / step, (frame.top - row) / step);
    gl.uniform1f(places.pace, frame.pace / step);
    gl.uniform1f(places.height, frame.height);
    gl.uniform2f(places.levels, look.low, look.high);
    gl.uniform1i(places.scale, SCALES[look.scale] ?? 0);
    gl.uniform1i(places.inverted, look.inverted ? 1 : 0);
    gl.uniform4f(places.missing, ...this.colormaps.missing.map((part) => part / 255), 1);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    const top = canvas.height - frame.height;
    to.drawImage(canvas, 0, top, frame.width, frame.height, 0, 0, frame.width, frame.height);
  }

  // To change its size costs more than to draw, so it only ever grows.
  grow(width, height) {
    if (this.canvas.width < width) this.canvas.width = width;
    if (this.canvas.height < height) this.canvas.height = height;
  }

  upload(slot) {
    const { gl } = this;
    const { data, rows, columns } = slot.picture;
    const known = this.textures.get(slot);
    const texture = known?.texture ?? gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    if (known?.picture === slot.picture) return;
    const values = data instanceof Float32Array ? data : Float32Array.from(data);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    if (known?.rows === rows && known.columns === columns) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows, gl.RED, gl.FLOAT, values);
    } else {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, columns, rows, 0, gl.RED, gl.FLOAT, values);
      nearest(gl);
    }
    this.textures.set(slot, { texture, picture: slot.picture, rows, columns });
  }

  bindMap(name) {
    const { gl } = this;
    const known = this.maps.get(name);
    if (known) {
      gl.bindTexture(gl.TEXTURE_2D, known);
      return;
    }
    const texture = gl.createTexture();
    this.maps.set(name, texture);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, this.colormaps.table(name));
    nearest(gl);
  }

  release(slot) {
    const known = this.textures.get(slot);
    if (known) this.gl.deleteTexture(known.texture);
    this.textures.delete(slot);
  }
}

function nearest(gl) {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return program;
}

/** The same without WebGL2: one value for each pixel of the screen. */
export class PlainPainter {
  constructor(colormaps) {
    Object.assign(this, { colormaps, kind: "canvas" });
  }

  draw(to, slot, frame, look) {
    if (!slot.picture) return;
    const { data, rows, columns, row = 0, column = 0, step = 1 } = slot.picture;
    const image = to.createImageData(frame.width, frame.height);
    const pixels = new Uint32Array(image.data.buffer);
    const colors = new Uint32Array(this.colormaps.table(look.map).buffer);
    const [red, green, blue] = this.colormaps.missing;
    const missing = 0xff000000 | (blue << 16) | (green << 8) | red;
    for (let i = 0; i < frame.height; i++) {
      const r = Math.floor((frame.top + (i + 0.5) * frame.pace - row) / step);
      if (r < 0 || r >= rows) continue;
      for (let j = 0; j < frame.width; j++) {
        const c = Math.floor((frame.left + (j + 0.5) * frame.pace - column) / step);
        if (c >= 0 && c < columns) pixels[i * frame.width + j] = colorOf(data[r * columns + c], look, colors, missing);
      }
    }
    const drawn = new OffscreenCanvas(frame.width, frame.height);
    drawn.getContext("2d").putImageData(image, 0, 0);
    to.drawImage(drawn, 0, 0);
  }

  release() {}
}

function colorOf(value, { low, high, scale, inverted }, colors, missing) {
  if (!Number.isFinite(value)) return missing;
  let t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  if (scale === "log") t = Math.log(1 + 1e4 * t) / Math.log(1 + 1e4);
  if (scale === "sqrt") t = Math.sqrt(t);
  return colors[Math.round((inverted ? 1 - t : t) * 255)];
}
