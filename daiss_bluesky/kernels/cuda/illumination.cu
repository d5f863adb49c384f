// How many frames lit each pixel of the object. A block is some pixels of one frame:
// blockIdx (pixels, frame).

extern "C" __global__ void count_light(const unsigned char* lit, int rows, int columns,
                                       const int* corners, int first, int* counts,
                                       int height, int width) {
  const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
  if (pixel >= rows * columns || !lit[pixel]) return;
  const int* corner = corners + 2 * (first + blockIdx.y);
  const int y = corner[0] + pixel / columns, x = corner[1] + pixel % columns;
  if (y >= 0 && y < height && x >= 0 && x < width)
    atomicAdd(counts + (size_t)y * width + x, 1);
}
