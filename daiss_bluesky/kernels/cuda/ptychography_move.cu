// One parallel update from what the frames of a group ask: move, then move_probe.
//
// Sums are taken in the order of the group, so that the result is the same every time.

#include "ptychography.cuh"

#define THREADS 256
#define PATCH ((ROWS + 1) * (COLUMNS + 1))
#define PATCH_BLOCKS ((PATCH + THREADS - 1) / THREADS)
#define PIXEL_BLOCKS ((PIXELS + THREADS - 1) / THREADS)

// Raise a maximum by the values of a block, which are not negative: their bits are in
// order.
__device__ inline void raise(float* most, float value) {
  __shared__ float room[THREADS];
  room[threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    for (int t = threadIdx.x; t < THREADS; t += 32) value = fmaxf(value, room[t]);
    room[threadIdx.x] = value;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
#pragma unroll
    for (int t = 0; t < 32; t++) value = fmaxf(value, room[t]);
    atomicMax((int*)most, __float_as_int(value));
  }
}

__device__ inline int frames_of(const int* group) {
  int count = 0;
#pragma unroll
  for (int i = 0; i < GROUP; i++) count += group[i] >= 0;
  return count;
}

__device__ inline float2 asked_at(const float2* asked, int r, int c) {
  const bool inside = r >= 0 && r < ROWS && c >= 0 && c < COLUMNS;
  return inside ? asked[r * COLUMNS + c] : make_float2(0, 0);
}

__device__ inline float bright_at(const float* bright, int r, int c) {
  const bool inside = r >= 0 && r < ROWS && c >= 0 && c < COLUMNS;
  return inside ? bright[r * COLUMNS + c] : 0.0f;
}

// A pixel of the canvas is moved by the first frame of the group that reaches it.
__device__ inline void move_object(const State* state, const Place* places, int count,
                                   int frame, int pixel, const float2* asked) {
  const int y = places[frame].top + pixel / (COLUMNS + 1);
  const int x = places[frame].left + pixel % (COLUMNS + 1);
  unsigned reached = 0;
  for (int i = 0; i < count; i++) {
    const int r = y - places[i].top, c = x - places[i].left;
    if (r >= 0 && r <= ROWS && c >= 0 && c <= COLUMNS) reached |= 1u << i;
  }
  if (reached & ((1u << frame) - 1)) return;
  const float* bright = state->bright;
  float2 sum = make_float2(0, 0);
  float seen = 0;
  for (; reached; reached &= reached - 1) {
    const int i = __ffs((int)reached) - 1;
    const Place place = places[i];
    const int r = y - place.top, c = x - place.left;
    const float2* own = asked + (size_t)i * PIXELS;
    const float2 row = (1 - place.right) * asked_at(own, r, c) +
                       place.right * asked_at(own, r, c - 1);
    const float2 above = (1 - place.right) * asked_at(own, r - 1, c) +
                         place.right * asked_at(own, r - 1, c - 1);
    sum = sum + (1 - place.down) * row + place.down * above;
    const float lit = (1 - place.right) * bright_at(bright, r, c) +
                      place.right * bright_at(bright, r, c - 1);
    const float lit_above = (1 - place.right) * bright_at(bright, r - 1, c) +
                            place.right * bright_at(bright, r - 1, c - 1);
    seen += (1 - place.down) * lit + place.down * lit_above;
  }
  const float alpha = state->alpha;
  const float floor = (1 - alpha) * seen + (alpha * state->peaks->used + DARK);
  float2* at = state->canvas + (size_t)y * state->width + x;
  *at = *at + (state->object_step / floor) * sum;
}

// What the group asks of a pixel of the probe, summed into the waves of its first frame.
__device__ inline float sum_probe(int count, int pixel, float2* waves, float* lit) {
  float total = 0;
#pragma unroll
  for (int i = 0; i < GROUP; i++)
    total += i < count ? lit[(size_t)i * PIXELS + pixel] : 0.0f;
  lit[pixel] = total;
#pragma unroll 1
  for (int mode = 0; mode < MODES; mode++) {
    float2 sum = make_float2(0, 0);
    float2* own = waves + (size_t)mode * PIXELS + pixel;
#pragma unroll
    for (int i = 0; i < GROUP; i++)
      if (i < count) sum = sum + own[(size_t)i * MODES * PIXELS];
    *own = sum;
  }
  return total;
}

__device__ inline double clipped(double value, double most) {
  return fmin(fmax(value, -most), most);
}

// Where a frame lies now, by what its sums ask.
__device__ inline void finish_frame(const State* state, const double* sums,
                                    const double* corner, const double* measured,
                                    double* found) {
  for (int k = 0; k < 2; k++) {
    found[k] = sums[k];
    found[2 + k] = corner[k];
  }
  if (!state->tilt) return;
  const double *ask = sums + 2, yy = sums[4], yx = sums[5], xx = sums[6];
  const double scale = yy * xx - yx * yx;
  const double step = scale > 0 ? state->position_step / scale : 0;
  const double asked[2] = {step * (xx * ask[0] - yx * ask[1]),
                           step * (yy * ask[1] - yx * ask[0])};
  for (int axis = 0; axis < 2; axis++) {
    const double move = clipped(asked[axis], state->reach);
    const double away = corner[axis] + move - measured[axis];
    found[2 + axis] = measured[axis] + clipped(away, state->limit);
  }
}

// All frames: a thread sums one of the SUMS of a frame over the strips.
__device__ inline void finish_frames(const State* state, int count, const double* corners,
                                     const double* measured, const double* parts,
                                     int strips, const double* tilts, double* found) {
  const int SUMS = 2 + TILTS;
  __shared__ double sums[GROUP][SUMS];
  const int frame = threadIdx.x / SUMS, which = threadIdx.x % SUMS;
  if (frame < count && (which < 2 || state->tilt)) {
    const int each = which < 2 ? 2 : TILTS, rows = which < 2 ? strips : ROW_STRIPS;
    const double* own = which < 2 ? parts + which : tilts + which - 2;
    double sum = 0;
#pragma unroll 8
    for (int i = 0; i < rows; i++) sum += own[(frame * rows + i) * each];
    sums[frame][which] = sum;
  }
  __syncthreads();
  if (threadIdx.x < count) {
    const int f = threadIdx.x;
    finish_frame(state, sums[f], corners + 2 * f, measured + 2 * f, found + 4 * f);
  }
}

// Blocks, one after the other: one for the frames' own, the probe's sums (PIXEL_BLOCKS),
// the object's (PATCH_BLOCKS for each frame). strips: parts of a frame's two sums.
extern "C" __global__ void __launch_bounds__(THREADS)
    move(const State* state, const int* group, const double* corners,
         const double* measured, const float2* asked, float2* waves, float* lit,
         const double* parts, int strips, const double* tilts, double* found) {
  const int count = frames_of(group);
  int block = blockIdx.x;
  if (block == 0) {
    finish_frames(state, count, corners, measured, parts, strips, tilts, found);
    return;
  }
  block -= 1;
  if (block < PIXEL_BLOCKS) {
    const int pixel = block * THREADS + threadIdx.x;
    if (state->probe_step == 0) return;
    raise(&state->peaks->lit, pixel < PIXELS ? sum_probe(count, pixel, waves, lit) : 0);
    return;
  }
  block -= PIXEL_BLOCKS;
  const int frame = block / PATCH_BLOCKS;
  if (frame >= count || state->object_step == 0) return;
  __shared__ Place places[GROUP];
  if (threadIdx.x < count) places[threadIdx.x] = place_of(corners + 2 * threadIdx.x);
  __syncthreads();
  const int pixel = block % PATCH_BLOCKS * THREADS + threadIdx.x;
  if (pixel < PATCH) move_object(state, places, count, frame, pixel, asked);
}

// The two sums of each frame where nothing is moved.
extern "C" __global__ void tell(const int* group, const double* parts, int strips,
                                double* found) {
  if (group[threadIdx.x] < 0) return;
  found += 4 * threadIdx.x;
  found[0] = found[1] = 0;
  for (int i = 0; i < strips; i++) {
    found[0] += parts[2 * (threadIdx.x * strips + i)];
    found[1] += parts[2 * (threadIdx.x * strips + i) + 1];
  }
}

// The probe's modes moved, and how bright each pixel is now.
extern "C" __global__ void __launch_bounds__(THREADS)
    move_probe(const State* state, const int* group, const float2* waves,
               const float* lit) {
  if (group[0] < 0) return;
  const int pixel = blockIdx.x * THREADS + threadIdx.x;
  const float beta = state->beta, step = state->probe_step;
  float total = 0;
  if (pixel < PIXELS) {
    float scale = 0;
    if (step != 0)
      scale = step / ((1 - beta) * lit[pixel] + (beta * state->peaks->lit + DARK));
    for (int mode = 0; mode < MODES; mode++) {
      float2* own = state->probe + (size_t)mode * PIXELS + pixel;
      if (step != 0) *own = *own + scale * waves[(size_t)mode * PIXELS + pixel];
      total += square(*own);
    }
    state->bright[pixel] = total;
  }
  raise(&state->peaks->found, total);
}
