// Spectra to grids of the slices' Fourier transforms, as kernels/gridding.py spreads
// them, but seen from the grid: each cell looks for the samples whose window reaches it.
//
// Where lines are dense, near the middle, spreading would have thousands of samples
// contend for a cell. A warp takes TILE x TILE cells of LANES pairs of slices: its threads
// find samples and their weights, one each. Weights (cell, sample) times spectra
// (sample, pair) then is a matrix product, for tensor cores. These take eleven bits of a
// number, so in full precision each is split in two: what agrees to 2^-22.
#include "spectrum.cuh"

#ifndef LANES
#define LANES 64
#endif
#define WIDTH 6
#define REACH 3
#define STEPS 256
#define KNOTS (WIDTH * STEPS + 2)
#define TILE 4
#define SIDE 8
#define TILES (SIDE * SIDE / (TILE * TILE))
// Cells of a pair in shared memory; one more, so that lanes use different banks.
#define ROOM (SIDE * SIDE + 1)
#define ALL 0xffffffffu
#define PI 3.14159265358979f

// Place of a tile, a warp's, in its block; `anchors` are (u, v) of the blocks' first
// cells, from the middle of the grid.
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
    const float* table, float coordinate, int at, float weights[TILE])
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
            const float* knot = table + (m + 1) * STEPS - step;
            weights[i] = knot[1] + part * (knot[0] - knot[1]);
        }
    }
}

// Numbers of a row and column of a tensor core's small matrices that a lane holds.
struct Place {
    int group, quarter;
};

__device__ inline Place place_of(int lane) { return {lane / 4, lane % 4}; }

#if HALF_SPECTRA
// Pairs of slices in what a lane reads at once.
#define PER 4
#define STEP 16

// What a warp works on; lane k finds the weights and the place of sample k.
struct __align__(16) Reached {
    unsigned short weights[TILE * TILE][40];
    unsigned int at[32];
};

__device__ inline void note(Reached& reached, int sample, const float wu[TILE], const float wv[TILE])
{
#pragma unroll
    for (int c = 0; c < TILE * TILE; ++c)
        reached.weights[c][sample] = float_to_half(wu[c % TILE] * wv[c / TILE]);
}

__device__ inline void multiply(float sums[4], const unsigned int a[4], unsigned int b0, unsigned int b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Add STEP samples from number k on, each times its weights, to all cells of a tile.
__device__ inline void add_samples(
    float sums[][4], const Spectrum* spectra, const Reached& reached, int k, Place place)
{
    const int first = k + 2 * place.quarter;
    uint4 values[4][LANES / 32];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const unsigned int at = reached.at[first + i % 2 + i / 2 * 8];
        const uint4* from = (const uint4*)(spectra + (size_t)at * LANES) + place.group;
#pragma unroll
        for (int m = 0; m < LANES / 32; ++m) values[i][m] = from[8 * m];
    }
    unsigned int weights[4];
#pragma unroll
    for (int i = 0; i < 4; ++i)
        weights[i] = *(const unsigned int*)&reached.weights[place.group + i % 2 * 8][first + i / 2 * 8];
#pragma unroll
    for (int m = 0; m < LANES / 32; ++m) {
        const unsigned int* v[4] = {&values[0][m].x, &values[1][m].x, &values[2][m].x,
                                    &values[3][m].x};
#pragma unroll
        for (int w = 0; w < PER; ++w) {
            float(*to)[4] = sums + 2 * (PER * m + w);
            multiply(to[0], weights, __byte_perm(v[0][w], v[1][w], 0x5410),
                     __byte_perm(v[2][w], v[3][w], 0x5410));
            multiply(to[1], weights, __byte_perm(v[0][w], v[1][w], 0x7632),
                     __byte_perm(v[2][w], v[3][w], 0x7632));
        }
    }
}
#else
#define PER 2
#define STEP 8

struct __align__(16) Reached {
    float weights[32][24];
    unsigned int at[32];
};

__device__ inline void note(Reached& reached, int sample, const float wu[TILE], const float wv[TILE])
{
#pragma unroll
    for (int c = 0; c < TILE * TILE; ++c)
        reached.weights[sample][c] = wu[c % TILE] * wv[c / TILE];
}

__device__ inline void multiply(float sums[4], const float a[4], float b0, float b1)
{
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
          "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)));
}

// The eleven bits that a tensor core takes of a number, and the rest.
__device__ inline float high(float value) { return __uint_as_float(__float_as_uint(value) & 0xffffe000u); }

// Products of high parts, and of one's high with the other's low part: what is left out
// is 2^-22 of a product.
__device__ inline void add_samples(
    float sums[][4], const Spectrum* spectra, const Reached& reached, int k, Place place)
{
    float4 values[2][LANES / 16];
    float weights[4], low_weights[4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int sample = k + place.quarter + 4 * i;
        const float4* from = (const float4*)(spectra + (size_t)reached.at[sample] * LANES);
#pragma unroll
        for (int m = 0; m < LANES / 16; ++m) values[i][m] = from[place.group + 8 * m];
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const float weight = reached.weights[sample][place.group + 8 * j];
            weights[2 * i + j] = high(weight);
            low_weights[2 * i + j] = weight - high(weight);
        }
    }
#pragma unroll
    for (int m = 0; m < LANES / 16; ++m) {
        const float* v[2] = {&values[0][m].x, &values[1][m].x};
#pragma unroll
        for (int c = 0; c < 4; ++c) {
            const float b0 = high(v[0][c]), b1 = high(v[1][c]);
            float* to = sums[4 * m + c];
            multiply(to, low_weights, b0, b1);
            multiply(to, weights, v[0][c] - b0, v[1][c] - b1);
            multiply(to, weights, b0, b1);
        }
    }
}
#endif

// Put sums of a tile into, or add them to, the cells of its block.
__device__ inline void flush(float sums[][4], float2* cells, Place place, bool adds)
{
#pragma unroll
    for (int q = 0; q < LANES / 8; ++q)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int column = 2 * place.quarter + i % 2, row = place.group + i / 2 * 8;
            const int pair = PER * (column + q / PER * 8) + q % PER;
            float2* to = cells + pair * ROOM + row / TILE * SIDE + row % TILE;
            float2 value = make_float2(sums[2 * q][i], sums[2 * q + 1][i]);
            if (adds) value = make_float2(to->x + value.x, to->y + value.y);
            *to = value;
        }
}

// Sum over all samples in reach of a tile, by a warp, into its cells. Lines are summed
// by 32 first, since in the middle of the grid all of them add up.
__device__ void sum_tile(
    const Lines& lines, const Spectrum* __restrict__ spectra,
    const float* __restrict__ frequencies, const float* table, Reached& reached, int2 at,
    int2 found, float2* cells)
{
    const int lane = threadIdx.x % 32;
    const Place place = place_of(lane);
    float sums[LANES / 4][4] = {};
    if (found.y == 0) flush(sums, cells, place, false);
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
#pragma unroll
        for (int i = 0; i < LANES / 4; ++i)
            sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = 0.0f;
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
            unsigned int from = 0;
            if (sample < count) {
                const float f = frequencies[k];
                weigh(table, __fmul_rn(f, lines.cosines[line]), at.x, wu);
                weigh(table, __fmul_rn(f, lines.sines[line]), at.y, wv);
                from = (unsigned int)line * lines.length + k;
            }
            __syncwarp();
            note(reached, lane, wu, wv);
            reached.at[lane] = from;
            __syncwarp();
            const int n = min(32, count - base);
            for (int k = 0; k < n; k += STEP) add_samples(sums, spectra, reached, k, place);
        }
        flush(sums, cells, place, begin > 0);
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
    const Spectrum* __restrict__ spectra, const float* __restrict__ frequencies,
    const float* __restrict__ cosines, const float* __restrict__ sines, int angles,
    int length, float spacing, const float* __restrict__ knots,
    const int2* __restrict__ anchors, const int2* __restrict__ found, int first, int size,
    int pairs, int is_rim, int adds, float2* __restrict__ grids)
{
    extern __shared__ float4 shared[];
    Reached* reached = (Reached*)shared;
    float2* cells = (float2*)(reached + TILES);  // (pair, v, u)
    float* table = (float*)(cells + LANES * ROOM);
    const int tile = threadIdx.x / 32;
    const Lines lines = {cosines, sines, angles, length, spacing};
    const int block = first + blockIdx.x;
    for (int i = threadIdx.x; i < KNOTS; i += blockDim.x) table[i] = knots[i];
    __syncthreads();
    sum_tile(lines, spectra, frequencies, table, reached[tile], tile_at(anchors, block, tile),
             found[block * TILES + tile],
             cells + tile / (SIDE / TILE) * TILE * SIDE + tile % (SIDE / TILE) * TILE);
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
            cells[pair * ROOM + v * SIDE + u], is_rim, adds);
    }
}
