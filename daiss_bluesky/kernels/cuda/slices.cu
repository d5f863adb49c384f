// Inverse transforms of the grids to slices: the part inside, its window undone.
#include "storage.cuh"

// Grids (pair, v, u) become slices 2 p and 2 p + 1 of (z, y, x), zero outside the
// inscribed circle. `correction` has the sign of counting frequencies from the middle.
// Grid: (columns / threads, y, pair).
extern "C" __global__ void take_slices(
    const float2* __restrict__ grids, int size, int columns, int rows,
    const float* __restrict__ correction, float scale, Stored* __restrict__ out)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    const int pair = blockIdx.z;
    if (x >= columns) return;
    const int half = columns / 2;
    const int i = x < half ? x - half + size : x - half;
    const int j = y < half ? y - half + size : y - half;
    const int across = 2 * x - (columns - 1), down = 2 * y - (columns - 1);
    const bool inside = (long long)across * across + (long long)down * down <=
                        (long long)columns * columns;
    const float2 value = grids[((size_t)pair * size + j) * size + i];
    const float factor = inside ? correction[x] * scale * correction[y] : 0.0f;
    Stored* to = out + ((size_t)2 * pair * columns + y) * columns + x;
    if (2 * pair < rows) keep(to, inside ? value.x * factor : 0.0f);
    if (2 * pair + 1 < rows)
        keep(to + (size_t)columns * columns, inside ? value.y * factor : 0.0f);
}
