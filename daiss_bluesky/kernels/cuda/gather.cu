// Spectra to grids of the slices' Fourier transforms, as kernels/gridding.py spreads
// them, but seen from the grid: each cell looks for the samples whose window reaches it.
//
// Where lines are dense, near the middle, spreading would have thousands of samples
// contend for a cell. A warp takes TILE x TILE cells of 32 * EACH pairs of slices: its
// lanes find samples and weights, one each, and then all go through them together.
#include "spectrum.cuh"

#ifndef EACH
#define EACH 2
#endif
#define WIDTH 6
#define REACH 3
#define STEPS 256
#define KNOTS (WIDTH * STEPS + 1)
#define TILE 4
#define SIDE 8
#define TILES (SIDE * SIDE / (TILE * TILE))
#ifndef AHEAD
#define AHEAD 4  // samples read before the first is used
#endif
#define LANES (32 * EACH)
// Cells of a pair in shared memory; one more, so that lanes use different banks.
#define ROOM (SIDE * SIDE + 1)
#define ALL 0xffffffffu
#define PI 3.14159265358979f

// Place of a tile of a block, a warp's: `anchors` are (u, v) of the blocks' first cells, from
// the middle of the grid.
__device__ inline int2 tile_at(const int2* anchors, int block, int tile)
{
    const int2 anchor = anchors[block];
    return make_int2(anchor.x + tile % (SIDE / TILE) * TILE,
                     anchor.y + tile / (SIDE / TILE) * TILE);
}

__device__ inline int first_not_below(const float* sorted, int n, float value)
{
    int low = 0, high = n;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (sorted[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}

// For each tile the first slot, and how many after it, around the end, whose line may
// come near. `directions` are angles modulo PI, ascending.
extern "C" __global__ void find_lines(
    const int2* __restrict__ anchors, int blocks, const float* __restrict__ directions,
    int angles, float highest, int2* __restrict__ found)
{
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= blocks * TILES) return;
    const int2 at = tile_at(anchors, index / TILES, index % TILES);
    const float u = at.x + 0.5f * (TILE - 1), v = at.y + 0.5f * (TILE - 1);
    const float near = 1.4143f * (REACH + 0.5f * (TILE - 1));
    const float radius = sqrtf(u * u + v * v);
    if (radius > highest + near) {
        found[index] = make_int2(0, 0);
        return;
    }
    const float half = radius > near ? asinf(near / radius) + 1e-5f : PI;
    if (2 * half >= PI) {
        found[index] = make_int2(0, angles);
        return;
    }
    float direction = atan2f(v, u);
    if (direction < 0) direction += PI;
    float low = direction - half, high = direction + half;
    const bool around = low < 0 || high >= PI;
    if (low < 0) low += PI;
    if (high >= PI) high -= PI;
    const int first = first_not_below(directions, angles, low);
    const int end = first_not_below(directions, angles, high);
    found[index] = make_int2(first, around ? angles - first + end : max(end - first, 0));
}

struct Lines {
    const float* cosines;
    const float* sines;
    int angles, length;
    float spacing;  // of samples, in cells
};

// Samples of a line between two cells' reach: where coordinate * factor lies in
// (low, high), as numbers of samples.
__device__ inline void narrow(float factor, float low, float high, float& first, float& last)
{
    if (fabsf(factor) < 1e-6f) {
        // The line keeps within a thousandth of a cell of the axis.
        if (low > 1e-2f || high < -1e-2f) last = -1e9f;
        return;
    }
    const float a = low / factor, b = high / factor;
    first = fmaxf(first, fminf(a, b));
    last = fminf(last, fmaxf(a, b));
}

// First sample of a line that reaches a tile, and how many.
__device__ inline int2 samples_near(const Lines& lines, int slot, int2 at)
{
    const float cosine = lines.cosines[slot] * lines.spacing;
    const float sine = lines.sines[slot] * lines.spacing;
    const int middle = lines.length / 2;
    float first = 1.0f - middle, last = middle - 1.0f;
    narrow(cosine, at.x - REACH, at.x + TILE - 1 + REACH, first, last);
    narrow(sine, at.y - REACH, at.y + TILE - 1 + REACH, first, last);
    // A little more than needed: what is too far weighs nothing.
    const int low = max((int)ceilf(first - 0.01f), 1 - middle);
    const int high = min((int)floorf(last + 0.01f), middle - 1);
    return make_int2(low + middle, last < first - 1 ? 0 : max(high - low + 1, 0));
}

// Weights of the window in TILE cells from `at` on for a sample at a coordinate.
__device__ inline void weigh(
    const float2* table, float coordinate, int at, float weights[TILE])
{
    const float below = floorf(coordinate);
    const float place = (coordinate - below) * STEPS;
    const int step = (int)place;
    const float part = place - step;
    const int first = at - (int)below + REACH - 1;
#pragma unroll
    for (int i = 0; i < TILE; ++i) {
        const int m = first + i;
        weights[i] = 0.0f;
        if (m >= 0 && m < WIDTH) {
            const float2 entry = table[(m + 1) * STEPS - step];
            weights[i] = entry.x + part * entry.y;
        }
    }
}

// What a warp works on; lane k finds the weights (v, u) and the place of sample k.
struct Reached {
    float4 weights[32][TILE];
    unsigned int at[32];
};

// Pairs of slices beside each other that a lane works on.
struct __align__(sizeof(Spectrum) * EACH) Some {
    Spectrum of[EACH];
};

struct Sums {
    float2 of[TILE][TILE][EACH];
};

__device__ inline void clear(Sums& sums)
{
#pragma unroll
    for (int v = 0; v < TILE; ++v)
#pragma unroll
        for (int u = 0; u < TILE; ++u)
#pragma unroll
            for (int e = 0; e < EACH; ++e) sums.of[v][u][e] = make_float2(0.0f, 0.0f);
}

// Put a lane's sums into, or add them to, its own cells.
__device__ inline void flush(const Sums& sums, float2* cells, bool adds)
{
#pragma unroll
    for (int v = 0; v < TILE; ++v)
#pragma unroll
        for (int u = 0; u < TILE; ++u)
#pragma unroll
            for (int e = 0; e < EACH; ++e) {
                float2* to = cells + 32 * e * ROOM + v * SIDE + u;
                float2 value = sums.of[v][u][e];
                if (adds) value = make_float2(to->x + value.x, to->y + value.y);
                *to = value;
            }
}

__device__ inline void add_weighted(Sums& to, const float4 weights[TILE], const Some& some)
{
    float2 values[EACH];
#pragma unroll
    for (int e = 0; e < EACH; ++e) values[e] = unpacked(some.of[e]);
#pragma unroll
    for (int v = 0; v < TILE; ++v) {
        const float4 four = weights[v];
        const float w[TILE] = {four.x, four.y, four.z, four.w};
#pragma unroll
        for (int u = 0; u < TILE; ++u)
#pragma unroll
            for (int e = 0; e < EACH; ++e) {
                to.of[v][u][e].x += w[u] * values[e].x;
                to.of[v][u][e].y += w[u] * values[e].y;
            }
    }
}

// Sum over all samples in reach of a tile, by a warp, into its cells. Lines are summed
// by 32 first, since in the middle of the grid all of them add up.
__device__ void sum_tile(
    const Lines& lines, const Some* __restrict__ spectra, const float* __restrict__ frequencies,
    const float2* table, Reached& reached, int2 at, int2 found, float2* cells)
{
    const int lane = threadIdx.x % 32;
    Sums sums;
    clear(sums);
    if (found.y == 0) flush(sums, cells, false);
    for (int begin = 0; begin < found.y; begin += 32) {
        int slot = found.x + begin + lane;
        if (slot >= lines.angles) slot -= lines.angles;
        int2 near = make_int2(0, 0);
        if (begin + lane < found.y) near = samples_near(lines, slot, at);
        int until = near.y;
#pragma unroll
        for (int step = 1; step < 32; step *= 2) {
            const int before = __shfl_up_sync(ALL, until, step);
            if (lane >= step) until += before;
        }
        const int count = __shfl_sync(ALL, until, 31);
        const int offset = near.x - (until - near.y);
        clear(sums);
        for (int base = 0; base < count; base += 32) {
            const int sample = base + lane;
            int owner = 0;
#pragma unroll
            for (int step = 16; step > 0; step /= 2) {
                const int end = __shfl_sync(ALL, until, owner + step - 1);
                if (end <= sample) owner += step;
            }
            const int k = sample + __shfl_sync(ALL, offset, owner);
            const int line = __shfl_sync(ALL, slot, owner);
            float wu[TILE] = {}, wv[TILE] = {};
            unsigned int place = 0;
            if (sample < count) {
                const float f = frequencies[k];
                weigh(table, __fmul_rn(f, lines.cosines[line]), at.x, wu);
                weigh(table, __fmul_rn(f, lines.sines[line]), at.y, wv);
                place = (unsigned int)line * lines.length + k;
            }
            __syncwarp();
#pragma unroll
            for (int v = 0; v < TILE; ++v)
                reached.weights[lane][v] =
                    make_float4(wu[0] * wv[v], wu[1] * wv[v], wu[2] * wv[v], wu[3] * wv[v]);
            reached.at[lane] = place;
            __syncwarp();
            const int n = min(32, count - base);
            for (int j = 0; j < n; j += AHEAD) {
                Some some[AHEAD];
#pragma unroll
                for (int i = 0; i < AHEAD; ++i)
                    some[i] = spectra[(size_t)reached.at[j + i] * 32 + lane];
#pragma unroll
                for (int i = 0; i < AHEAD; ++i) add_weighted(sums, reached.weights[j + i], some[i]);
            }
        }
        flush(sums, cells, begin > 0);
    }
}

__device__ inline void put(float2* grid, int size, int u, int v, float2 value, bool is_rim, bool adds)
{
    const int half = size / 2;
    int i = u + half, j = v + half;
    if (is_rim) {
        // Beyond the highest frequency: belongs to the opposite edge.
        if (i < 0) i += size;
        if (i >= size) i -= size;
        if (j < 0) j += size;
        if (j >= size) j -= size;
        atomicAdd(&grid[(size_t)j * size + i].x, value.x);
        atomicAdd(&grid[(size_t)j * size + i].y, value.y);
        return;
    }
    float2* to = grid + (size_t)j * size + i;
    if (adds) {
        value.x += to->x;
        value.y += to->y;
    }
    *to = value;
}

// Write, or add to, grids (pair, v, u); a block of threads for each anchor from `first`.
// Blocks of the rim are those beyond the edges of the grid.
extern "C" __global__ void __launch_bounds__(32 * TILES) gather(
    const Some* __restrict__ spectra, const float* __restrict__ frequencies,
    const float* __restrict__ cosines, const float* __restrict__ sines, int angles,
    int length, float spacing, const float2* __restrict__ knots,
    const int2* __restrict__ anchors, const int2* __restrict__ found, int first, int size,
    int pairs, int is_rim, int adds, float2* __restrict__ grids)
{
    extern __shared__ float4 shared[];
    Reached* reached = (Reached*)shared;
    float2* table = (float2*)(reached + TILES);
    float2* cells = table + KNOTS;  // (one of EACH, lane, v, u)
    const int tile = threadIdx.x / 32, lane = threadIdx.x % 32;
    const Lines lines = {cosines, sines, angles, length, spacing};
    const int block = first + blockIdx.x;
    for (int i = threadIdx.x; i < KNOTS; i += blockDim.x) table[i] = knots[i];
    __syncthreads();
    sum_tile(lines, spectra, frequencies, table, reached[tile], tile_at(anchors, block, tile),
             found[block * TILES + tile],
             cells + lane * ROOM + tile / (SIDE / TILE) * TILE * SIDE +
                 tile % (SIDE / TILE) * TILE);
    __syncthreads();
    const int2 anchor = anchors[block];
    const int half = size / 2;
    for (int i = threadIdx.x; i < LANES * SIDE * SIDE; i += blockDim.x) {
        const int pair = i / (SIDE * SIDE), v = i / SIDE % SIDE, u = i % SIDE;
        if (pair >= pairs) break;
        // What sticks out of the grid here is another block's.
        if (anchor.x < half && anchor.x + u >= half) continue;
        if (anchor.y < half && anchor.y + v >= half) continue;
        put(grids + (size_t)pair * size * size, size, anchor.x + u, anchor.y + v,
            cells[(pair % EACH * 32 + pair / EACH) * ROOM + v * SIDE + u], is_rim, adds);
    }
}
