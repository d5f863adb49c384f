// Total, and center of mass times total, of frames: a block for each frame.

#define THREADS 256

// The sum over the threads of a block, for thread 0; the order is fixed.
__device__ inline double summed(double value, double* room) {
  __syncthreads();
  room[threadIdx.x] = value;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) room[threadIdx.x] += room[threadIdx.x + half];
  }
  return room[0];
}

// Sums (frame, 3): all good pixels, and these times their row and column, counted from
// pixel n / 2.
extern "C" __global__ void __launch_bounds__(THREADS)
    measure(const unsigned short* frames, const unsigned char* good, int rows,
            int columns, double* sums) {
  __shared__ double room[THREADS];
  const int pixels = rows * columns;
  const unsigned short* frame = frames + (size_t)blockIdx.x * pixels;
  double total = 0, down = 0, across = 0;
  for (int at = threadIdx.x; at < pixels; at += THREADS) {
    const double value = good[at] ? frame[at] : 0;
    total += value;
    down += value * (at / columns - rows / 2);
    across += value * (at % columns - columns / 2);
  }
  total = summed(total, room);
  down = summed(down, room);
  across = summed(across, room);
  if (threadIdx.x == 0) {
    sums[3 * blockIdx.x] = total;
    sums[3 * blockIdx.x + 1] = down;
    sums[3 * blockIdx.x + 2] = across;
  }
}
