// What the kernels of ptychography share: sizes, and how a patch lies on the canvas.
//
// Constants of the compilation: ROWS x COLUMNS pixels and MODES of the probe, GROUP
// frames of an update at most, PAGE frames of one allocation, and how lines of each axis
// are transformed: LINES of a block, its THREADS, the PLAN of radices and BACK, the same
// from its end. THREADS is LINES times the butterflies of the first radix of ROW_PLAN
// and of the last of COLUMN_PLAN, so that a thread holds what it has in the middle.

#ifndef ROWS
#define ROWS 128
#define COLUMNS 128
#define MODES 1
#define GROUP 16
#define PAGE 64
#define ROW_LINES 8
#define ROW_THREADS 128
#define ROW_PLAN 8, 16
#define ROW_BACK 16, 8
#define ROW_RADIX 8
#define ROW_OUTER 16
#define COLUMN_LINES 16
#define COLUMN_THREADS 256
#define COLUMN_PLAN 16, 8
#define COLUMN_BACK 8, 16
#define COLUMN_RADIX 8
#define COLUMN_OUTER 16
#endif

#define PIXELS (ROWS * COLUMNS)
#define ROW_STRIPS ((ROWS + ROW_LINES - 1) / ROW_LINES)
// Intensities below are taken for this: nothing is divided by zero.
#define DARK 1e-30f
#define TILTS 5

#include "lines.cuh"

typedef unsigned short Count;

// The brightest pixel of the probe as the object needs it, the same of the newest probe,
// and the most light that a pixel of the probe's array saw in a group.
struct Peaks {
  float used, found, lit;
};

// What may change between two launches of one graph.
struct State {
  float2* canvas;
  const Count* const* pages;
  float2* probe;
  float* bright;
  Peaks* peaks;
  const float* good;
  const float2* transfer;
  double reach, limit;
  int width, tilt;
  float object_step, probe_step, position_step, alpha, beta;
};

typedef Along<COLUMNS, ROW_LINES, ROW_THREADS> RowForm;
typedef Across<ROWS, COLUMN_LINES, COLUMN_THREADS> ColumnForm;

// Where a patch lies: its first pixel, and the fractions of its corner.
struct Place {
  int top, left;
  float down, right;
};

__device__ inline Place place_of(const double* corner) {
  double top = floor(corner[0]), left = floor(corner[1]);
  Place found;
  found.top = (int)top;
  found.left = (int)left;
  found.down = (float)(corner[0] - top);
  found.right = (float)(corner[1] - left);
  return found;
}

// A pixel of the object with its three neighbors; nobody writes to it meanwhile.
struct Corner {
  float2 here, right, below, across;
};

__device__ inline Corner corner_at(const float2* canvas, int width, Place place, int r,
                                   int c) {
  const float2* at = canvas + (size_t)(place.top + r) * width + place.left + c;
  Corner found;
  found.here = __ldg(at);
  found.right = __ldg(at + 1);
  found.below = __ldg(at + width);
  found.across = __ldg(at + width + 1);
  return found;
}

__device__ inline float2 between(Corner a, Place place) {
  float2 up = (1 - place.right) * a.here + place.right * a.right;
  float2 low = (1 - place.right) * a.below + place.right * a.across;
  return (1 - place.down) * up + place.down * low;
}

// The sums of some values over the threads of a block, for its first COUNT threads: the
// one of its number. The order is fixed. Room: COUNT * THREADS floats.
template <int THREADS, int COUNT>
__device__ inline double block_sums(const float* values, float* room) {
  __syncthreads();
#pragma unroll
  for (int i = 0; i < COUNT; i++) room[i * THREADS + threadIdx.x] = values[i];
  __syncthreads();
  const int SUMS = 32 * COUNT;
  // A thread's own places only are written while others still read.
  for (int s = threadIdx.x; s < SUMS; s += THREADS) {
    float* row = room + s / 32 * THREADS;
    float part = 0;
    for (int t = s % 32; t < THREADS; t += 32) part += row[t];
    if (s % 32 < THREADS) row[s % 32] = part;
  }
  __syncthreads();
  double sum = 0;
  if (threadIdx.x < COUNT) {
    const float* row = room + threadIdx.x * THREADS;
#pragma unroll
    for (int t = 0; t < 32; t++)
      if (t < THREADS) sum += row[t];
  }
  return sum;
}
