// Joseph's projector and its transpose, for blocks (y, x, slice) and projections
// (angle, 1 + column + 1, slice), as kernels/joseph.py. Slices share the weights, so a
// warp takes 32 of them and reads them side by side.

struct Scan {
    const double2* directions;  // cosine and sine of each angle
    int angles, n, slices;
    double center;
};

__device__ inline bool is_inside(int y, int x, int n)
{
    const double v = y - 0.5 * (n - 1), u = x - 0.5 * (n - 1);
    return v * v + u * u <= 0.25 * n * (double)n;
}

// Rays of a block that is zero outside the circle. Threads (32 slices, columns); grid
// (columns / threads, angle, slices / 32).
extern "C" __global__ void forward_project(
    const float* __restrict__ block, const double2* __restrict__ directions, int angles,
    int n, int slices, double center, float* __restrict__ out)
{
    const int slice = blockIdx.z * 32 + threadIdx.x, angle = blockIdx.y;
    const int column = blockIdx.x * blockDim.y + threadIdx.y;
    if (slice >= slices || column >= n) return;
    double across = directions[angle].x, along = directions[angle].y;
    // Steps go through rows, or through columns where the ray runs more along them.
    const bool turned = fabs(across) < fabs(along);
    if (turned) {
        const double other = across;
        across = along;
        along = other;
    }
    const size_t step_size = (size_t)slices * (turned ? 1 : n);
    const size_t place_size = (size_t)slices * (turned ? n : 1);
    const double middle = 0.5 * (n - 1);
    const double slope = -along / across;
    double place = (column + 0.5 - center + middle * along) / across + middle;
    const float* row = block + slice;
    float sum = 0;
    for (int step = 0; step < n; ++step, row += step_size) {
        const double here = place + step * slope;
        if (here <= -1.0 || here >= n) continue;
        const int left = (int)floor(here);
        const float right_part = (float)(here - left);
        if (left >= 0) sum += (1.0f - right_part) * row[left * place_size];
        if (left + 1 < n) sum += right_part * row[(left + 1) * place_size];
    }
    const float length = (float)(1.0 / fabs(across));
    out[((size_t)angle * (n + 2) + column + 1) * slices + slice] = length * sum;
}

// Each pixel's share of the rays; zero outside the circle. Threads (32 slices, x); grid
// (x / threads, y, slices / 32).
extern "C" __global__ void transposed_project(
    const float* __restrict__ q, const double2* __restrict__ directions, int angles, int n,
    int slices, double center, float* __restrict__ out)
{
    const int slice = blockIdx.z * 32 + threadIdx.x, y = blockIdx.y;
    const int x = blockIdx.x * blockDim.y + threadIdx.y;
    if (slice >= slices || x >= n) return;
    const double middle = 0.5 * (n - 1);
    float sum = 0;
    if (is_inside(y, x, n)) {
        const float* from = q + slice;
        for (int a = 0; a < angles; ++a, from += (size_t)(n + 2) * slices) {
            const double2 direction = directions[a];
            double s = 0.5 + center + (x - middle) * direction.x + (y - middle) * direction.y;
            s = fmin(fmax(s, 0.0), n + 1.0);
            const int left = min((int)s, n);
            const double right_part = s - left;
            const double m = fmax(fabs(direction.x), fabs(direction.y));
            const float near = (float)(fmax(m - right_part, 0.0) / (m * m));
            const float far = (float)(fmax(m - 1.0 + right_part, 0.0) / (m * m));
            const float* at = from + (size_t)left * slices;
            sum += near * at[0] + far * at[slices];
        }
    }
    out[((size_t)y * n + x) * slices + slice] = sum;
}
