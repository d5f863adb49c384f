// Enough of CUDA to run a kernel on the processor: threads of a block are coroutines that
// take turns at __syncthreads, blocks follow each other.
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)
#define __ldg(at) (*(at))

struct float2 {
  float x, y;
};
inline float2 make_float2(float x, float y) { return float2{x, y}; }
inline int min(int a, int b) { return a < b ? a : b; }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
inline int atomicMax(int* at, int value) {
  int old = *at;
  if (value > old) *at = value;
  return old;
}

inline int atomicAdd(int* at, int more) {
  int old = *at;
  *at += more;
  return old;
}

struct Size3 {
  int x, y, z;
};
static Size3 threadIdx, blockIdx, blockDim, gridDim;

typedef long long Word;
typedef void (*Kernel)(Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word,
                       Word, Word, Word, Word, Word);

static const int MOST = 1024, STACK = 1 << 16;
static ucontext_t begin[MOST], home;
static jmp_buf threads[MOST], scheduler;
static bool started[MOST], ended[MOST];
static char* stacks;
static int now;
static Kernel kernel;
static const Word* given;

static void body() {
  const Word* a = given;
  for (;;) {
    kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11],
           a[12], a[13], a[14], a[15]);
    ended[now] = true;
    if (!_setjmp(threads[now])) _longjmp(scheduler, 1);
    a = given;
  }
}

inline void __syncthreads() {
  if (!_setjmp(threads[now])) _longjmp(scheduler, 1);
}

static void resume(int thread) {
  now = thread;
  threadIdx.x = thread;
  if (_setjmp(scheduler)) return;
  if (started[thread]) _longjmp(threads[thread], 1);
  started[thread] = true;
  getcontext(&begin[thread]);
  begin[thread].uc_stack.ss_sp = stacks + (size_t)thread * STACK;
  begin[thread].uc_stack.ss_size = STACK;
  makecontext(&begin[thread], body, 0);
  setcontext(&begin[thread]);
}

static void run_block(int count) {
  for (int t = 0; t < count; t++) ended[t] = false;
  for (bool busy = true; busy;) {
    busy = false;
    for (int t = 0; t < count; t++) {
      if (ended[t]) continue;
      resume(t);
      busy = busy || !ended[t];
    }
  }
}

extern "C" void launch(Kernel function, const Word* arguments, const int* blocks,
                       int count) {
  if (!stacks) stacks = (char*)std::malloc((size_t)MOST * STACK);
  kernel = function;
  given = arguments;
  gridDim = {blocks[0], blocks[1], 1};
  blockDim = {count, 1, 1};
  for (blockIdx.y = 0; blockIdx.y < blocks[1]; blockIdx.y++)
    for (blockIdx.x = 0; blockIdx.x < blocks[0]; blockIdx.x++) run_block(count);
}

static char shared_memory[1 << 18];
