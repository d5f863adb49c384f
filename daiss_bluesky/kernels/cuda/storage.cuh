// How arrays keep real numbers: float, or half precision where HALF is 1.
//
// By the instructions themselves, so that no header of the CUDA toolkit is needed.

#ifndef HALF
#define HALF 0
#endif

__device__ inline float half_to_float(unsigned short stored)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(stored));
    return value;
}

__device__ inline unsigned short float_to_half(float value)
{
    unsigned short stored;
    asm("cvt.rn.satfinite.f16.f32 %0, %1;" : "=h"(stored) : "f"(value));
    return stored;
}

#if HALF
typedef unsigned short Stored;
#else
typedef float Stored;
#endif

__device__ inline float fetch(float stored) { return stored; }
__device__ inline float fetch(unsigned short stored) { return half_to_float(stored); }
__device__ inline void keep(float* at, float value) { *at = value; }
__device__ inline void keep(unsigned short* at, float value)
{
    *at = float_to_half(value);
}
