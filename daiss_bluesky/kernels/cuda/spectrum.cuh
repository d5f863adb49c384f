// Spectra of slice pairs: complex, float2 or two halves, side by side for a warp.
#include "storage.cuh"

#ifndef HALF_SPECTRA
#define HALF_SPECTRA 0
#endif

#if HALF_SPECTRA
typedef unsigned int Spectrum;
__device__ inline Spectrum packed(float real, float imag)
{
    return float_to_half(real) | (unsigned int)float_to_half(imag) << 16;
}
__device__ inline float2 unpacked(Spectrum stored)
{
    return make_float2(half_to_float(stored & 0xffff), half_to_float(stored >> 16));
}
#else
typedef float2 Spectrum;
__device__ inline Spectrum packed(float real, float imag) { return make_float2(real, imag); }
__device__ inline float2 unpacked(Spectrum stored) { return stored; }
#endif
