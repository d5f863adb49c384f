// Before and after the transform that filters rows for backprojection.
#include "storage.cuh"

// Rows (row, column) become rows of `length`, padded by the line from the last to the
// first pixel. A block of threads for each row, here and below.
extern "C" __global__ void pad_rows(
    const Stored* __restrict__ p, int columns, int length, float* __restrict__ out)
{
    const int row = blockIdx.x;
    const Stored* from = p + (size_t)row * columns;
    float* to = out + (size_t)row * length;
    const float first = fetch(from[0]), last = fetch(from[columns - 1]);
    for (int k = threadIdx.x; k < length; k += blockDim.x) {
        const float u = (float)(k - columns + 1) / (float)(length - columns + 1);
        to[k] = k < columns ? fetch(from[k]) : last + u * (first - last);
    }
}

// Spectra (row, frequency) times the filter's response.
extern "C" __global__ void respond(
    float2* __restrict__ spectra, const float* __restrict__ response, int frequencies)
{
    float2* row = spectra + (size_t)blockIdx.x * frequencies;
    for (int k = threadIdx.x; k < frequencies; k += blockDim.x) {
        row[k].x *= response[k];
        row[k].y *= response[k];
    }
}

// Rows of `length` become rows (row, column), each times its weight.
extern "C" __global__ void crop_rows(
    const float* __restrict__ padded, const float* __restrict__ weights, int columns,
    int length, Stored* __restrict__ out)
{
    const int row = blockIdx.x;
    const float weight = weights[row];
    const float* from = padded + (size_t)row * length;
    Stored* to = out + (size_t)row * columns;
    for (int k = threadIdx.x; k < columns; k += blockDim.x) keep(to + k, weight * from[k]);
}
