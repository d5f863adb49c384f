// Backprojection of filtered projections (angle, row, column), linear between columns:
// single planes anywhere in the volume, or slabs of slices. As `reference.backproject`.
//
// Places are in double precision: at 2048 columns float would be off by 1e-4 pixels.
#include "storage.cuh"

#ifndef SLICES
#define SLICES 8
#endif

struct Projections {
    const Stored* values;
    const double2* directions;  // cosine and sine of each angle
    int angles, rows, columns;
    long long angle_step, row_step;
    double center;
};

// Where a ray through (x, y), from the middle of a slice, meets the detector: the left
// of two columns, counted from one zero before the first, and the part of the right.
__device__ inline int meet(const Projections& p, int angle, double x, double y, float& part)
{
    const double2 direction = p.directions[angle];
    double s = 0.5 + p.center + x * direction.x + y * direction.y;
    s = fmin(fmax(s, 0.0), (double)p.columns + 1.0);
    const int left = min((int)s, p.columns);
    part = (float)(s - left);
    return left;
}

__device__ inline float between(const Projections& p, const Stored* row, int left, float part)
{
    const float a = left > 0 ? fetch(row[left - 1]) : 0.0f;
    const float b = left < p.columns ? fetch(row[left]) : 0.0f;
    return a * (1.0f - part) + b * part;
}

__device__ inline bool is_inside(double x, double y, int columns)
{
    return x * x + y * y <= 0.25 * columns * (double)columns;
}

struct Plane {
    double corner[3], down[3], across[3];  // z, y, x
};

// Add to a picture (row, column) of points at corner + i * down + j * across of the
// volume; between two slices what lies between, linearly. Some angles for each block
// along z, which add up with others.
extern "C" __global__ void add_plane(
    const Stored* __restrict__ values, const double2* __restrict__ directions, int angles,
    int rows, int columns, long long angle_step, long long row_step, double center,
    const double* __restrict__ plane, int angles_each, float scale, int height, int width,
    float* __restrict__ picture)
{
    const Projections p = {values, directions, angles, rows, columns, angle_step,
                           row_step, center};
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= height || j >= width) return;
    const double z = plane[0] + i * plane[3] + j * plane[6];
    const double middle = 0.5 * (columns - 1);
    const double y = plane[1] + i * plane[4] + j * plane[7] - middle;
    const double x = plane[2] + i * plane[5] + j * plane[8] - middle;
    const int below = (int)floor(z);
    const float upper = (float)(z - below);
    if (!is_inside(x, y, columns) || below < -1 || below >= rows) return;
    const bool has_lower = below >= 0;
    const bool has_upper = upper > 0 && below + 1 < rows;
    const int begin = blockIdx.z * angles_each, end = min(begin + angles_each, angles);
    float sum = 0, sum_above = 0;
    for (int a = begin; a < end; ++a) {
        float part;
        const int left = meet(p, a, x, y, part);
        const Stored* row = values + a * angle_step + below * row_step;
        if (has_lower) sum += between(p, row, left, part);
        if (has_upper) sum_above += between(p, row + row_step, left, part);
    }
    sum = scale * ((1.0f - upper) * sum + upper * sum_above);
    float* to = picture + (size_t)i * width + j;
    if (gridDim.z == 1) *to += sum;
    else atomicAdd(to, sum);
}

// Add to slices (z, y, x), SLICES of them a thread; z of row 0 of the projections is 0.
extern "C" __global__ void add_slab(
    const Stored* __restrict__ values, const double2* __restrict__ directions, int angles,
    int rows, int columns, long long angle_step, long long row_step, double center,
    float scale, float* __restrict__ volume)
{
    const Projections p = {values, directions, angles, rows, columns, angle_step,
                           row_step, center};
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int first = blockIdx.z * SLICES;
    const double middle = 0.5 * (columns - 1);
    const double x = column - middle, y = row - middle;
    if (column >= columns || row >= columns || !is_inside(x, y, columns)) return;
    float sums[SLICES];
#pragma unroll
    for (int s = 0; s < SLICES; ++s) sums[s] = 0.0f;
    const int count = min(SLICES, rows - first);
    for (int a = 0; a < angles; ++a) {
        float part;
        const int left = meet(p, a, x, y, part);
        const Stored* from = values + a * angle_step + first * row_step;
        if (count == SLICES) {
#pragma unroll
            for (int s = 0; s < SLICES; ++s)
                sums[s] += between(p, from + s * row_step, left, part);
        } else {
#pragma unroll
            for (int s = 0; s < SLICES; ++s)
                if (s < count) sums[s] += between(p, from + s * row_step, left, part);
        }
    }
    const size_t size = (size_t)columns * columns;
    float* to = volume + first * size + (size_t)row * columns + column;
#pragma unroll
    for (int s = 0; s < SLICES; ++s)
        if (s < count) to[s * size] += scale * sums[s];
}
