// From array values to colors, on the graphics card; values stay float32 as they came.

export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D values;
uniform sampler2D colors;
uniform vec2 size;       // of the array: columns, rows
uniform vec2 origin;     // place in the array at the left upper corner
uniform float pace;      // array pixels for each pixel of the screen
uniform float height;    // of the viewport
uniform vec2 levels;
uniform int scale;       // 0 linear, 1 logarithmic, 2 square root
uniform bool inverted;
uniform vec4 missing;    // color of what is not a number
out vec4 color;

float stretch(float t) {
  t = clamp(t, 0.0, 1.0);
  if (scale == 1) return log(1.0 + 10000.0 * t) / log(10001.0);
  return scale == 2 ? sqrt(t) : t;
}

bool isNumber(float value) {
  return (floatBitsToUint(value) & 0x7f800000u) != 0x7f800000u;
}

void main() {
  vec2 corner = origin + vec2(gl_FragCoord.x - 0.5, height - gl_FragCoord.y - 0.5) * pace;
  vec2 middle = corner + 0.5 * pace;
  if (any(lessThan(middle, vec2(0.0))) || any(greaterThanEqual(middle, size))) {
    color = vec4(0.0);
    return;
  }
  // A pixel of the screen is the mean of what it covers, so that fine lines do not flicker.
  int n = clamp(int(ceil(pace - 0.01)), 1, 4);
  float sum = 0.0;
  float count = 0.0;
  for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) {
    vec2 place = n == 1 ? middle : corner + (vec2(float(i), float(j)) + 0.5) * pace / float(n);
    float value = texelFetch(values, ivec2(clamp(place, vec2(0.0), size - 1.0)), 0).r;
    if (isNumber(value)) {
      sum += value;
      count += 1.0;
    }
  }
  if (count == 0.0) {
    color = missing;
    return;
  }
  float t = stretch((sum / count - levels.x) / (levels.y - levels.x));
  color = texelFetch(colors, ivec2(int((inverted ? 1.0 - t : t) * 255.0 + 0.5), 0), 0);
}`;
