// What iterative solvers do between projections, as kernels/iterative_steps.py, on
// arrays (place, slice). Threads go through all places of a slice in steps of the grid;
// sums over a slice are added up in double precision.

#define FOR_EACH                                                                    \
    const int slice = blockIdx.y * 32 + threadIdx.x;                                \
    if (slice >= slices) return;                                                    \
    for (size_t place = blockIdx.x * blockDim.y + threadIdx.y; place < places;      \
         place += (size_t)gridDim.x * blockDim.y)

#define AT (place * slices + slice)

extern "C" __global__ void squares(const float* a, size_t places, int slices, double* sums)
{
    double sum = 0;
    FOR_EACH sum += (double)a[AT] * a[AT];
    if (sum != 0) atomicAdd(sums + slice, sum);
}

extern "C" __global__ void add_scaled(
    float* a, const float* scale, const float* b, size_t places, int slices)
{
    FOR_EACH a[AT] += scale[slice] * b[AT];
}

extern "C" __global__ void scale_and_add(
    float* a, const float* scale, const float* b, size_t places, int slices)
{
    FOR_EACH a[AT] = scale[slice] * a[AT] + b[AT];
}

extern "C" __global__ void subtract_from(float* a, const float* b, size_t places, int slices)
{
    FOR_EACH a[AT] = b[AT] - a[AT];
}

extern "C" __global__ void weighted_residual(
    float* q, const float* b, const float* weights, size_t places, int slices, double* sums)
{
    double sum = 0;
    FOR_EACH
    {
        const float away = b[AT] - q[AT];
        q[AT] = weights[place] * away;
        sum += (double)(weights[place] * away) * away;
    }
    if (sum != 0) atomicAdd(sums + slice, sum);
}

extern "C" __global__ void add_weighted(
    float* x, const float* weights, const float* g, float lowest, size_t places, int slices)
{
    FOR_EACH x[AT] = fmaxf(x[AT] + weights[place] * g[AT], lowest);
}

extern "C" __global__ void dual_residual(
    float* y, const float* q, const float* b, const float* sigma, size_t places, int slices,
    double* sums)
{
    double sum = 0;
    FOR_EACH
    {
        const float away = q[AT] - b[AT];
        y[AT] = (y[AT] + sigma[place] * away) / (1.0f + sigma[place]);
        sum += (double)away * away;
    }
    if (sum != 0) atomicAdd(sums + slice, sum);
}

// Add step * gradient of x (y, x, slice) to v (2, y, x, slice); no vector longer than
// the limit. The gradient is zero across the rim of `inside`.
extern "C" __global__ void dual_gradient(
    float* v, const float* x, const bool* inside, float step, float limit, int n,
    size_t places, int slices)
{
    float* across = v + places * slices;
    FOR_EACH
    {
        const int i = (int)(place / n), j = (int)(place % n);
        const bool here = inside[place];
        float a = v[AT], b = across[AT];
        if (here && i + 1 < n && inside[place + n])
            a += step * (x[AT + (size_t)n * slices] - x[AT]);
        if (here && j + 1 < n && inside[place + 1]) b += step * (x[AT + slices] - x[AT]);
        const float part = limit / fmaxf(sqrtf(a * a + b * b), limit);
        v[AT] = a * part;
        across[AT] = b * part;
    }
}

// Step from x against g + scale * transposed gradient of v, and look ahead as far.
extern "C" __global__ void primal(
    float* x, float* ahead, const float* g, const float* v, const float* tau, float scale,
    float lowest, int n, size_t places, int slices)
{
    const float* across = v + places * slices;
    FOR_EACH
    {
        const int i = (int)(place / n), j = (int)(place % n);
        float outward = -v[AT] - across[AT];
        if (i > 0) outward += v[AT - (size_t)n * slices];
        if (j > 0) outward += across[AT - slices];
        const float before = x[AT];
        const float after = fmaxf(before - tau[place] * (g[AT] + scale * outward), lowest);
        ahead[AT] = 2.0f * after - before;
        x[AT] = after;
    }
}
