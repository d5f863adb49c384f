"""Projections of ellipsoids, compiled: the same as `ellipsoids.project`, for frames.

Float32, one thread, without the GIL. Each ellipsoid is drawn into its own bounding box
only; the inner loop runs over the columns of a row so that it vectorizes.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from daiss_bluesky.kernels.ellipsoids import SUBPIXELS, FieldGeometry


def project(
    table: NDArray[np.float64],
    angle_rad: float,
    geometry: FieldGeometry,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Integrate along the rays of one frame; (row, column), into `out` if given."""
    if out is None:
        out = np.empty((geometry.rows, geometry.columns), np.float32)
    out[:] = 0
    _add_ellipsoids(
        table,
        float(angle_rad),
        geometry.center_px,
        geometry.half_width_px,
        geometry.heights(),
        out,
    )
    return out


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_row(  # type: ignore[no-untyped-def]
    row, first, last, start, step, limit, factor
) -> None:
    """Add factor × Σ √(limit - t²) over the sub-pixels of columns first..last."""
    for column in range(first, last):
        t = start + column * 4 * step
        total = np.float32(0)
        for k in range(4):
            u = t + k * step
            total += np.sqrt(max(limit - u * u, np.float32(0)))
        row[column] += factor * total


@njit(cache=True, nogil=True, error_model="numpy")
def _add_ellipsoids(  # type: ignore[no-untyped-def]
    table, angle_rad, center_px, half_width_px, heights, out
) -> None:
    rows, columns = out.shape
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    step = 1 / (SUBPIXELS * half_width_px)
    for e in range(table.shape[0]):
        x0, y0, z0, a, b, c, phi, density = table[e]
        r2 = (a * np.cos(angle_rad - phi)) ** 2 + (b * np.sin(angle_rad - phi)) ** 2
        offset = x0 * cosine + y0 * sine
        factor = density * 2 * a * b / r2 / SUBPIXELS
        # t of the first sub-pixel of column 0
        start = (-center_px + 0.5 / SUBPIXELS) / half_width_px - offset
        middle = center_px - 0.5 + offset * half_width_px
        for i in range(rows):
            zeta = (heights[i] - z0) / c
            limit = r2 * (1 - zeta * zeta)
            if limit <= 0:
                continue
            reach = np.sqrt(limit) * half_width_px + 1
            first = max(0, int(np.floor(middle - reach)))
            last = min(columns, int(np.ceil(middle + reach)) + 1)
            if first < last:
                _add_row(
                    out[i],
                    first,
                    last,
                    np.float32(start),
                    np.float32(step),
                    np.float32(limit),
                    np.float32(factor),
                )


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def add_noise(mean, normals, offsets, scale, largest, out) -> None:  # type: ignore[no-untyped-def]
    """Round counts with Gaussian noise of the Poisson variance to whole numbers.

    mean (rows, columns) float32 counts; normals (m,) float32 drawn beforehand;
    offsets (rows,) where in them each row begins, at most m - columns; the noise's
    standard deviation is scale × √mean. Clipped to 0..largest into `out` (uint16).
    """
    rows, columns = mean.shape
    for i in range(rows):
        begin = offsets[i]
        for j in range(columns):
            count = mean[i, j]
            noisy = count + scale * np.sqrt(count) * normals[begin + j]
            out[i, j] = np.uint16(min(max(noisy + np.float32(0.5), 0), largest))


def voxelize(
    table: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Sample the sum of ellipsoids in a volume (z, y, x) as the reference does."""
    volume = np.zeros(shape, np.float32)
    heights = FieldGeometry(shape[0], shape[2], 0).heights()
    _fill_ellipsoids(np.ascontiguousarray(table), heights, volume)
    return volume


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_ellipsoids(table, heights, volume) -> None:  # type: ignore[no-untyped-def]
    """Add each ellipsoid along its chords: one for each row of sub-pixels."""
    rows, ny, nx = volume.shape
    half = nx / 2
    for e in range(table.shape[0]):
        x0, y0, z0, a, b, c, phi, density = table[e]
        cosine, sine = np.cos(phi), np.sin(phi)
        # (u/a)² + (v/b)² = qa·dx² + 2·qb·dx·dy + qc·dy²
        qa = (cosine / a) ** 2 + (sine / b) ** 2
        qb = cosine * sine * (1 / a**2 - 1 / b**2)
        qc = (sine / a) ** 2 + (cosine / b) ** 2
        part = np.float32(density / SUBPIXELS**2)
        for i in range(rows):
            room = 1 - ((heights[i] - z0) / c) ** 2
            if room < 0:
                continue
            for k in range(ny * SUBPIXELS):
                dy = ((k + 0.5) / SUBPIXELS - 0.5 - (ny - 1) / 2) / half - y0
                root = (qb * dy) ** 2 - qa * (qc * dy * dy - room)
                if root < 0:
                    continue
                left = x0 + (-qb * dy - np.sqrt(root)) / qa
                right = x0 + (-qb * dy + np.sqrt(root)) / qa
                _fill_chord(volume[i, k // SUBPIXELS], left, right, half, part)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_chord(row, left, right, half, part) -> None:  # type: ignore[no-untyped-def]
    """Add `part` for every sub-pixel center between two places."""
    columns = row.size
    scale = SUBPIXELS * half
    origin = (columns * SUBPIXELS - 1) / 2
    first = max(0, int(np.ceil(left * scale + origin)))
    end = min(columns * SUBPIXELS, int(np.floor(right * scale + origin)) + 1)
    if first >= end:
        return
    whole_from = -(-first // SUBPIXELS)
    whole_to = end // SUBPIXELS
    if whole_from > whole_to:
        row[whole_to] += part * (end - first)
        return
    if first < whole_from * SUBPIXELS:
        row[whole_from - 1] += part * (whole_from * SUBPIXELS - first)
    row[whole_from:whole_to] += part * SUBPIXELS
    if end > whole_to * SUBPIXELS:
        row[whole_to] += part * (end - whole_to * SUBPIXELS)


def compile_frame_kernels() -> None:
    """Compile, or load from the cache, all that a frame needs."""
    geometry = FieldGeometry(2, 8, 4.0)
    ball = np.array([[0, 0, 0, 0.5, 0.5, 0.5, 0, 1.0]])
    mean = project(ball, 0.0, geometry)
    add_noise(
        mean,
        np.zeros(16, np.float32),
        np.zeros(2, np.int64),
        np.float32(1),
        np.float32(65535),
        np.empty((2, 8), np.uint16),
    )


def compile_kernels() -> None:
    """Compile, or load from the cache, everything here."""
    compile_frame_kernels()
    voxelize(np.array([[0, 0, 0, 0.5, 0.5, 0.5, 0, 1.0]]), (2, 4, 4))
