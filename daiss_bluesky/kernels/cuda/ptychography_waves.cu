// What each frame of a group lacks, and what it asks of object, probe and its corner.
//
// A block is a strip of lines of one frame: blockIdx (strip, frame of the group). Waves
// are (frame of the group, mode, row, column); frames of the group are numbers, -1 where
// there is none. Far field: leave, constrain, arrive. Near field: leave, carry,
// constrain_near, carry, arrive.

#include "ptychography.cuh"

__device__ inline float2* wave_of(float2* waves, int mode) {
  return waves + ((size_t)blockIdx.y * MODES + mode) * PIXELS;
}

__device__ inline const Count* frame_of(const State* state, int number) {
  return state->pages[number / PAGE] + (size_t)(number % PAGE) * PIXELS;
}

// A thread's elements of a strip: element k of a line is at line * LINE + k * ELEMENT;
// lines from count on are not there.
template <int RADIX, int LENGTH, int LINE, int ELEMENT> struct Strip {
  static __device__ inline void load(const float2* from, int count, int line, int b,
                                     float2* v) {
#pragma unroll
    for (int k = 0; k < RADIX; k++)
      v[k] = line < count ? from[line * LINE + (b + k * (LENGTH / RADIX)) * ELEMENT]
                          : make_float2(0, 0);
  }
  static __device__ inline void save(float2* to, int count, int line, int b,
                                     const float2* v) {
    if (line >= count) return;
#pragma unroll
    for (int k = 0; k < RADIX; k++)
      to[line * LINE + (b + k * (LENGTH / RADIX)) * ELEMENT] = v[k];
  }
};

// Exit waves, transformed along rows.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
    leave(const State* state, const int* group, const double* corners, float2* waves,
          const float2* turns) {
  extern __shared__ float2 room[];
  if (group[blockIdx.y] < 0) return;
  const int first = blockIdx.x * ROW_LINES, width = state->width;
  const float2* canvas = state->canvas;
  const Place place = place_of(corners + 2 * blockIdx.y);
  const int STEP = COLUMNS / ROW_RADIX;
  for (int mode = 0; mode < MODES; mode++) {
    float2* wave = wave_of(waves, mode);
    const float2* own = state->probe + (size_t)mode * PIXELS;
    auto take = [=](int line, int b, float2* v) {
      const int r = min(first + line, ROWS - 1);
#pragma unroll
      for (int k = 0; k < ROW_RADIX; k++) {
        const int c = b + k * STEP;
        v[k] = between(corner_at(canvas, width, place, r, c), place) *
               __ldg(own + r * COLUMNS + c);
      }
    };
    auto give = [=](int line, int b, float2* v) {
      Strip<ROW_OUTER, COLUMNS, COLUMNS, 1>::save(wave + first * COLUMNS, ROWS - first,
                                                  line, b, v);
    };
    transform<RowForm, false, ROW_PLAN>(take, give, room, turns);
  }
}

// The factor that gives a wave what it lacks, and the two sums of this pixel.
__device__ inline float lacking(float intensity, float counts, float good, float* misfit,
                                float* power) {
  intensity = fmaxf(intensity, DARK);
  const float ratio = good * (sqrtf(counts / intensity) - 1);
  *misfit += ratio * ratio * intensity;
  *power += good * counts;
  return ratio;
}

// Modes in registers where there are few, in the waves' place where there are many: each
// thread reads only what it wrote itself.
#define HELD(RADIX) (MODES * RADIX <= 48)

// A pair of transforms along one axis, There and Back, and amplitudes replaced in between
// by the threads that hold the elements there, of radix MIDDLE. Pixel k of a line is at
// first + line * LINE + k * ELEMENT of a frame.
template <class Form, class There, class Back, bool NEAR, int MIDDLE, int OUTER, int LINE,
          int ELEMENT>
struct Detector {
  static __device__ inline void run(const State* state, int number, float2* waves,
                                    const float2* turns, int first, int count,
                                    double* parts, float2* room) {
    const int LENGTH = Form::LENGTH;
    typedef Strip<MIDDLE, LENGTH, LINE, ELEMENT> Inner;
    typedef Strip<OUTER, LENGTH, LINE, ELEMENT> Outer;
    const int line = Form::line(threadIdx.x, LENGTH / MIDDLE);
    const int b = Form::butterfly(threadIdx.x, LENGTH / MIDDLE);
    const bool inside = line < count;
    float counts[MIDDLE], usable[MIDDLE], intensity[MIDDLE];
    const Count* frame = frame_of(state, number);
#pragma unroll
    for (int k = 0; k < MIDDLE; k++) {
      const int at = first + line * LINE + (b + k * (LENGTH / MIDDLE)) * ELEMENT;
      counts[k] = inside ? (float)frame[at] : 0.0f;
      usable[k] = inside ? state->good[at] : 0.0f;
      intensity[k] = 0;
    }
    float2 held[HELD(MIDDLE) ? MODES : 1][MIDDLE];
#pragma unroll
    for (int mode = 0; mode < MODES; mode++) {
      float2* wave = wave_of(waves, mode) + first;
      float2* kept = held[HELD(MIDDLE) ? mode : 0];
      auto take = [=](int l, int at, float2* v) { Outer::load(wave, count, l, at, v); };
      auto give = [&](int l, int at, float2* v) {
#pragma unroll
        for (int k = 0; k < MIDDLE; k++) {
          intensity[k] += square(v[k]);
          if (HELD(MIDDLE)) kept[k] = v[k];
        }
        if (!HELD(MIDDLE)) Inner::save(wave, count, l, at, v);
      };
      There::run(take, give, room, turns);
    }
    const float unit = NEAR ? 1.0f : 1.0f / PIXELS;
    float misfit = 0, power = 0;
#pragma unroll
    for (int k = 0; k < MIDDLE; k++)
      intensity[k] = unit * lacking(unit * intensity[k], counts[k], usable[k], &misfit,
                                    &power);
    if (state->object_step != 0 || state->probe_step != 0 || state->tilt) {
#pragma unroll
      for (int mode = 0; mode < MODES; mode++) {
        float2* wave = wave_of(waves, mode) + first;
        const float2* kept = held[HELD(MIDDLE) ? mode : 0];
        auto take = [&](int l, int at, float2* v) {
          if (!HELD(MIDDLE)) Inner::load(wave, count, l, at, v);
#pragma unroll
          for (int k = 0; k < MIDDLE; k++)
            v[k] = intensity[k] * (HELD(MIDDLE) ? kept[k] : v[k]);
        };
        auto give = [=](int l, int at, float2* v) {
          Outer::save(wave, count, l, at, v);
        };
        Back::run(take, give, room, turns);
      }
    }
    const float both[2] = {misfit, power};
    const double sum = block_sums<Form::THREADS, 2>(both, (float*)room);
    if (threadIdx.x < 2)
      parts[2 * (blockIdx.y * gridDim.x + blockIdx.x) + threadIdx.x] = sum;
  }
};

// Not lambdas: run-time compilers take those with parameters of any type for the host's.
struct Columns {
  template <class Take, class Give>
  static __device__ inline void run(Take take, Give give, float2* room,
                                    const float2* turns) {
    transform<ColumnForm, false, COLUMN_PLAN>(take, give, room, turns);
  }
};

struct ColumnsBack {
  template <class Take, class Give>
  static __device__ inline void run(Take take, Give give, float2* room,
                                    const float2* turns) {
    transform<ColumnForm, true, COLUMN_BACK>(take, give, room, turns);
  }
};

struct Rows {
  template <class Take, class Give>
  static __device__ inline void run(Take take, Give give, float2* room,
                                    const float2* turns) {
    transform<RowForm, false, ROW_PLAN>(take, give, room, turns);
  }
};

struct RowsBack {
  template <class Take, class Give>
  static __device__ inline void run(Take take, Give give, float2* room,
                                    const float2* turns) {
    transform<RowForm, true, ROW_BACK>(take, give, room, turns);
  }
};

// Far field: along columns there, amplitudes replaced, and back.
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS)
    constrain(const State* state, const int* group, float2* waves, const float2* turns,
              double* parts) {
  extern __shared__ float2 room[];
  const int number = group[blockIdx.y];
  if (number < 0) return;
  const int first = blockIdx.x * COLUMN_LINES;
  Detector<ColumnForm, Columns, ColumnsBack, false, COLUMN_RADIX, COLUMN_OUTER, 1,
           COLUMNS>::run(state, number, waves, turns, first, COLUMNS - first, parts,
                         room);
}

// Near field, between the transforms along columns: back along rows, which makes the wave
// on the detector, amplitudes replaced, and along rows again.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
    constrain_near(const State* state, const int* group, float2* waves,
                   const float2* turns, double* parts) {
  extern __shared__ float2 room[];
  const int number = group[blockIdx.y];
  if (number < 0) return;
  const int first = blockIdx.x * ROW_LINES;
  Detector<RowForm, RowsBack, Rows, true, ROW_RADIX, ROW_OUTER, COLUMNS, 1>::run(
      state, number, waves, turns, first * COLUMNS, ROWS - first, parts, room);
}

// Near field: along columns, times the transfer function (its conjugate where sign is
// -1), and back along columns.
extern "C" __global__ void __launch_bounds__(COLUMN_THREADS)
    carry(const State* state, const int* group, float2* waves, const float2* turns,
          int sign) {
  extern __shared__ float2 room[];
  if (group[blockIdx.y] < 0) return;
  const int first = blockIdx.x * COLUMN_LINES, count = COLUMNS - first;
  typedef Strip<COLUMN_RADIX, ROWS, 1, COLUMNS> Inner;
  typedef Strip<COLUMN_OUTER, ROWS, 1, COLUMNS> Outer;
  for (int mode = 0; mode < MODES; mode++) {
    float2* wave = wave_of(waves, mode) + first;
    float2 held[COLUMN_RADIX];
    auto take = [=](int line, int b, float2* v) {
      Outer::load(wave, count, line, b, v);
    };
    auto middle = [&](int line, int b, float2* v) {
      float2 space[COLUMN_RADIX];
      Inner::load(state->transfer + first, count, line, b, space);
#pragma unroll
      for (int k = 0; k < COLUMN_RADIX; k++)
        held[k] = v[k] * make_float2(space[k].x, (float)sign * space[k].y);
    };
    transform<ColumnForm, false, COLUMN_PLAN>(take, middle, room, turns);
    auto again = [&](int, int, float2* v) {
#pragma unroll
      for (int k = 0; k < COLUMN_RADIX; k++) v[k] = held[k];
    };
    auto give = [=](int line, int b, float2* v) {
      Outer::save(wave, count, line, b, v);
    };
    transform<ColumnForm, true, COLUMN_BACK>(again, give, room, turns);
  }
}

// Back along rows: the waves become what the frame asks of the probe's modes, and what it
// asks of the object and how it lit the probe's pixels come beside. With tilt, sums for
// the normal equations of a move: two right sides, then yy, yx and xx.
//
// What is only read is read by __ldg: ordinary loads would wait for the stores before.
extern "C" __global__ void __launch_bounds__(ROW_THREADS)
    arrive(const State* state, const int* group, const double* corners, float2* waves,
           const float2* turns, float2* asked, float* lit, double* tilts) {
  extern __shared__ float2 room[];
  if (group[blockIdx.y] < 0) return;
  if (threadIdx.x == 0 && blockIdx.x == 0 && blockIdx.y == 0) {
    Peaks* peaks = state->peaks;
    peaks->used = peaks->found;
    peaks->found = peaks->lit = 0;
  }
  const int first = blockIdx.x * ROW_LINES, width = state->width, tilt = state->tilt;
  const float2* canvas = state->canvas;
  const float2* probe = state->probe;
  const float* bright = state->bright;
  const Place place = place_of(corners + 2 * blockIdx.y);
  const int STEP = COLUMNS / ROW_RADIX;
  float2* own_asked = asked + (size_t)blockIdx.y * PIXELS;
  float* own_lit = lit + (size_t)blockIdx.y * PIXELS;
  float2 wanted[MODES > 1 ? ROW_RADIX : 1];
  float sums[TILTS] = {0, 0, 0, 0, 0};
#pragma unroll 1
  for (int mode = 0; mode < MODES; mode++) {
    float2* wave = wave_of(waves, mode);
    const float2* own = probe + (size_t)mode * PIXELS;
    auto take = [=](int l, int at, float2* v) {
      Strip<ROW_OUTER, COLUMNS, COLUMNS, 1>::load(wave + first * COLUMNS, ROWS - first,
                                                  l, at, v);
    };
    auto give = [&](int l, int b, float2* v) {
      const int r = first + l;
      if (r >= ROWS) return;
#pragma unroll
      for (int k = 0; k < ROW_RADIX; k++) {
        const int c = b + k * STEP, at = r * COLUMNS + c;
        const Corner a = corner_at(canvas, width, place, r, c);
        const float2 patch = between(a, place);
        float2 want = conjugate(__ldg(own + at)) * v[k];
        if (MODES > 1 && mode > 0) want = wanted[k % (MODES > 1 ? ROW_RADIX : 1)] + want;
        if (MODES > 1) wanted[k % (MODES > 1 ? ROW_RADIX : 1)] = want;
        wave[at] = conjugate(patch) * v[k];
        if (mode < MODES - 1) continue;
        own_asked[at] = want;
        own_lit[at] = square(patch);
        if (!tilt) continue;
        const float2 y = (1 - place.right) * (a.below - a.here) +
                         place.right * (a.across - a.right);
        const float2 x = (1 - place.down) * (a.right - a.here) +
                         place.down * (a.across - a.below);
        const float weight = __ldg(bright + at);
        sums[0] += y.x * want.x + y.y * want.y;
        sums[1] += x.x * want.x + x.y * want.y;
        sums[2] += weight * square(y);
        sums[3] += weight * (y.x * x.x + y.y * x.y);
        sums[4] += weight * square(x);
      }
    };
    transform<RowForm, true, ROW_BACK>(take, give, room, turns);
  }
  if (!tilt) return;
  const double sum = block_sums<ROW_THREADS, TILTS>(sums, (float*)room);
  if (threadIdx.x < TILTS)
    tilts[TILTS * (blockIdx.y * ROW_STRIPS + blockIdx.x) + threadIdx.x] = sum;
}
