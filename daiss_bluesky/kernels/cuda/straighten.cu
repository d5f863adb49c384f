// Frames turned so that a tilted axis stands upright: `kernels.axis_tilt.straighten`.
#ifndef LOGARITHM
#define LOGARITHM 0
#endif

#define FLOOR 1e-5f

// Weights of the four pixels around a place that is t behind the second (Keys 1981).
__device__ inline void cubic(float t, float weights[4])
{
    const float halved = 0.5f * t;
    weights[0] = halved * (t - 1.0f) * (1.0f - t);
    weights[1] = 1.0f + halved * t * (3.0f * t - 5.0f);
    weights[2] = halved * (1.0f + t * (4.0f - 3.0f * t));
    weights[3] = halved * t * (t - 1.0f);
}

__device__ inline int within(int i, int count) { return min(max(i, 0), count - 1); }

// Frames (frame, row, column) of transmission; places in double precision, since at 2048
// columns float would be off by 1e-4 pixels. Grid: (columns, rows, frames).
extern "C" __global__ void straighten(
    const float* __restrict__ frames, int rows, int columns, double cosine, double sine,
    double center, double middle, float* __restrict__ out)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    if (x >= columns) return;
    const double u = center + (x - center) * cosine + (y - middle) * sine;
    const double v = middle - (x - center) * sine + (y - middle) * cosine;
    const int left = (int)floor(u), top = (int)floor(v);
    float across[4], down[4];
    cubic((float)(u - left), across);
    cubic((float)(v - top), down);
    const size_t first = (size_t)blockIdx.z * rows * columns;
    float total = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float* row = frames + first + (size_t)within(top - 1 + i, rows) * columns;
        float line = 0;
#pragma unroll
        for (int j = 0; j < 4; ++j) line += across[j] * row[within(left - 1 + j, columns)];
        total += down[i] * line;
    }
    if (LOGARITHM) total = -logf(fmaxf(total, FLOOR));
    out[first + (size_t)y * columns + x] = total;
}
