// Fourier transforms of lines in shared memory: Stockham's self-sorting form (Van Loan,
// Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7), radices
// 2 to 16. The inverse, without its 1 / length, exchanges real and imaginary parts
// before and after.
//
// A step of radix R works on elements b + k * LENGTH / R, k < R, one butterfly a thread;
// so do the first and the last one, which take and give them in registers.

__device__ inline float2 operator+(float2 a, float2 b) {
  return make_float2(a.x + b.x, a.y + b.y);
}
__device__ inline float2 operator-(float2 a, float2 b) {
  return make_float2(a.x - b.x, a.y - b.y);
}
__device__ inline float2 operator*(float2 a, float2 b) {
  return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}
__device__ inline float2 operator*(float s, float2 a) {
  return make_float2(s * a.x, s * a.y);
}
__device__ inline float2 conjugate(float2 a) { return make_float2(a.x, -a.y); }
__device__ inline float2 exchanged(float2 a) { return make_float2(a.y, a.x); }
__device__ inline float square(float2 a) { return a.x * a.x + a.y * a.y; }
// -i times.
__device__ inline float2 quarter(float2 a) { return make_float2(a.y, -a.x); }

template <int R> struct Small;

template <> struct Small<2> {
  static __device__ inline void run(float2* v) {
    float2 a = v[0], b = v[1];
    v[0] = a + b;
    v[1] = a - b;
  }
};

template <> struct Small<3> {
  static __device__ inline void run(float2* v) {
    const float SIN = 0.866025403784438647f;
    float2 sum = v[1] + v[2], turned = SIN * quarter(v[1] - v[2]);
    float2 middle = v[0] - 0.5f * sum;
    v[0] = v[0] + sum;
    v[1] = middle + turned;
    v[2] = middle - turned;
  }
};

template <> struct Small<4> {
  static __device__ inline void run(float2* v) {
    float2 e = v[0] + v[2], f = v[0] - v[2];
    float2 g = v[1] + v[3], h = quarter(v[1] - v[3]);
    v[0] = e + g;
    v[1] = f + h;
    v[2] = e - g;
    v[3] = f - h;
  }
};

template <> struct Small<5> {
  static __device__ inline void run(float2* v) {
    const float C1 = 0.309016994374947424f, S1 = 0.951056516295153572f;
    const float C2 = -0.809016994374947424f, S2 = 0.587785252292473129f;
    float2 f = v[1] + v[4], g = quarter(v[1] - v[4]);
    float2 h = v[2] + v[3], j = quarter(v[2] - v[3]);
    float2 p = v[0] + C1 * f + C2 * h, q = v[0] + C2 * f + C1 * h;
    float2 u = S1 * g + S2 * j, w = S2 * g - S1 * j;
    v[0] = v[0] + f + h;
    v[1] = p + u;
    v[2] = q + w;
    v[3] = q - w;
    v[4] = p - u;
  }
};

template <> struct Small<8> {
  static __device__ inline void run(float2* v) {
    const float HALF = 0.707106781186547524f;
    float2 a[4] = {v[0], v[2], v[4], v[6]}, b[4] = {v[1], v[3], v[5], v[7]};
    Small<4>::run(a);
    Small<4>::run(b);
    b[1] = HALF * (b[1] + quarter(b[1]));
    b[2] = quarter(b[2]);
    b[3] = HALF * (quarter(b[3]) - b[3]);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      v[k] = a[k] + b[k];
      v[k + 4] = a[k] - b[k];
    }
  }
};

template <> struct Small<16> {
  static __device__ inline void run(float2* v) {
    const float COS = 0.923879532511286756f, SIN = 0.382683432365089772f;
    const float HALF = 0.707106781186547524f;
    // exp(-2 pi i k / 16), k = 0, 1, 2, 3, 4, 6, 9
    const float2 one = make_float2(COS, -SIN), two = make_float2(HALF, -HALF);
    const float2 three = make_float2(SIN, -COS), six = make_float2(-HALF, -HALF);
    const float2 nine = make_float2(-COS, SIN);
    float2 t[4][4];
#pragma unroll
    for (int c = 0; c < 4; c++) {
#pragma unroll
      for (int k = 0; k < 4; k++) t[c][k] = v[c + 4 * k];
      Small<4>::run(t[c]);
    }
    t[1][1] = t[1][1] * one;
    t[1][2] = t[1][2] * two;
    t[1][3] = t[1][3] * three;
    t[2][1] = t[2][1] * two;
    t[2][2] = quarter(t[2][2]);
    t[2][3] = t[2][3] * six;
    t[3][1] = t[3][1] * three;
    t[3][2] = t[3][2] * six;
    t[3][3] = t[3][3] * nine;
#pragma unroll
    for (int k = 0; k < 4; k++) {
      float2 u[4] = {t[0][k], t[1][k], t[2][k], t[3][k]};
      Small<4>::run(u);
#pragma unroll
      for (int c = 0; c < 4; c++) v[k + 4 * c] = u[c];
    }
  }
};

// Lines side by side: neighbors in a warp take the same element of different lines.
template <int N, int L, int T> struct Across {
  static const int LENGTH = N, LINES = L, THREADS = T, SIZE = N * L;
  static __device__ inline int at(int line, int k) { return k * L + line; }
  static __device__ inline int line(int t, int) { return t % L; }
  static __device__ inline int butterfly(int t, int) { return t / L; }
};

// Lines one after the other: neighbors in a warp take neighbors in a line. One place in
// 17 is left free, so that strides of 16 meet different banks.
template <int N, int L, int T> struct Along {
  static const int LENGTH = N, LINES = L, THREADS = T;
  static const int PITCH = N + N / 16 + 1, SIZE = PITCH * L;
  static __device__ inline int at(int line, int k) { return line * PITCH + k + k / 16; }
  static __device__ inline int line(int t, int count) { return t / count; }
  static __device__ inline int butterfly(int t, int count) { return t % count; }
};

// The steps from stride S on. take(line, b, v) and give(line, b, v) move the R elements
// b + k * LENGTH / R of the first and of the last one; x and y are room for SIZE
// elements each (y for three steps or more). turns: exp(-2 pi i k / LENGTH).
template <class Form, bool INVERSE, int S, int R, int... REST> struct Steps {
  template <class Take, class Give>
  static __device__ inline void run(Take take, Give give, float2* x, float2* y,
                                    const float2* turns) {
    const int COUNT = Form::LENGTH / R;
#pragma unroll
    for (int t = threadIdx.x; t < Form::LINES * COUNT; t += Form::THREADS) {
      int line = Form::line(t, COUNT), b = Form::butterfly(t, COUNT);
      float2 v[R];
      take(line, b, v);
      if (INVERSE && S == 1) {
#pragma unroll
        for (int k = 0; k < R; k++) v[k] = exchanged(v[k]);
      }
      Small<R>::run(v);
      if constexpr (S * R == Form::LENGTH) {
        if (INVERSE) {
#pragma unroll
          for (int k = 0; k < R; k++) v[k] = exchanged(v[k]);
        }
        give(line, b, v);
      } else {
        int p = b / S, q = b % S;
#pragma unroll
        for (int k = 0; k < R; k++) {
          float2 turned = k == 0 ? v[k] : v[k] * __ldg(turns + k * p * S);
          x[Form::at(line, q + S * (R * p + k))] = turned;
        }
      }
    }
    if constexpr (S * R < Form::LENGTH) next(give, x, y, turns);
  }

  template <class Give>
  static __device__ inline void next(Give give, float2* x, float2* y,
                                     const float2* turns) {
    __syncthreads();
    continued<REST...>(give, x, y, turns);
  }

  template <int NEXT, int... LATER, class Give>
  static __device__ inline void continued(Give give, float2* x, float2* y,
                                          const float2* turns) {
    auto take = [x](int line, int b, float2* v) {
#pragma unroll
      for (int k = 0; k < NEXT; k++)
        v[k] = x[Form::at(line, b + k * (Form::LENGTH / NEXT))];
    };
    Steps<Form, INVERSE, S * R, NEXT, LATER...>::run(take, give, y, x, turns);
  }
};

// All steps of a plan. Threads wait first: room may still be read.
template <class Form, bool INVERSE, int... PLAN, class Take, class Give>
__device__ inline void transform(Take take, Give give, float2* room,
                                 const float2* turns) {
  __syncthreads();
  Steps<Form, INVERSE, 1, PLAN...>::run(take, give, room, room + Form::SIZE, turns);
}
