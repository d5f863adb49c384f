// Fourier transforms of 2, 4, 8 or 16 numbers that a thread holds, in place and in order.

__device__ inline float2 times(float2 a, float2 b)
{
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

__device__ inline float2 sum(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ inline float2 less(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }

__device__ inline void transform(float2& a, float2& b)
{
    const float2 first = a;
    a = sum(first, b);
    b = less(first, b);
}

__device__ inline void transform(float2& a, float2& b, float2& c, float2& d)
{
    const float2 even = sum(a, c), odd = sum(b, d), over = less(a, c), turned = less(b, d);
    a = sum(even, odd);
    c = less(even, odd);
    b = make_float2(over.x + turned.y, over.y - turned.x);
    d = make_float2(over.x - turned.y, over.y + turned.x);
}

// Numbers x[0], x[STEP], ...
template <int RADIX, int STEP>
__device__ inline void transform(float2* x);

template <>
__device__ inline void transform<2, 8>(float2* x)
{
    transform(x[0], x[8]);
}

template <>
__device__ inline void transform<4, 4>(float2* x)
{
    transform(x[0], x[4], x[8], x[12]);
}

template <>
__device__ inline void transform<8, 2>(float2* x)
{
    const float half = 0.707106781f;
    float2 even[4] = {x[0], x[4], x[8], x[12]}, odd[4] = {x[2], x[6], x[10], x[14]};
    transform(even[0], even[1], even[2], even[3]);
    transform(odd[0], odd[1], odd[2], odd[3]);
    odd[1] = times(odd[1], make_float2(half, -half));
    odd[2] = make_float2(odd[2].y, -odd[2].x);
    odd[3] = times(odd[3], make_float2(-half, -half));
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        x[2 * k] = sum(even[k], odd[k]);
        x[2 * k + 8] = less(even[k], odd[k]);
    }
}

template <>
__device__ inline void transform<16, 1>(float2* x)
{
    const float c = 0.923879533f, s = 0.382683432f, h = 0.707106781f;
    // exp(-2 pi i k / 16) for products k of the rows and columns of four by four.
    const float2 roots[10] = {{1, 0}, {c, -s}, {h, -h}, {s, -c}, {0, -1},
                              {-s, -c}, {-h, -h}, {-c, -s}, {-1, 0}, {-c, s}};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        transform(x[j], x[j + 4], x[j + 8], x[j + 12]);
#pragma unroll
        for (int k = 1; k < 4; ++k) x[j + 4 * k] = times(x[j + 4 * k], roots[j * k]);
    }
    float2 found[16];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        transform(x[4 * k], x[4 * k + 1], x[4 * k + 2], x[4 * k + 3]);
#pragma unroll
        for (int l = 0; l < 4; ++l) found[k + 4 * l] = x[4 * k + l];
    }
#pragma unroll
    for (int i = 0; i < 16; ++i) x[i] = found[i];
}
