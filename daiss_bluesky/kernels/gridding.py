"""Filtered backprojection of all slices through a grid of their Fourier transforms.

A projection's spectrum is a line through the middle of each slice's transform (central
slice theorem). Filtered samples are spread over a grid with a Kaiser-Bessel window; an
inverse transform, divided by the window's own, gives the slices at any time:
O'Sullivan, IEEE Trans. Med. Imaging 4, 200 (1985). What is on the grid is a sum over
projections, so it grows while they come. Defined by `reference.interpolate_exactly`, up
to the window's aliasing (RMS 3e-4 for noise, the worst input).

Two slices share a complex number, and LANES such pairs a cell of `lane_fft`: a *block*
is 2 * LANES rows of the detector. Grids are (block, u, v, cell), u and v counted from
the middle, PAD more on every side, where spreading reaches beyond the highest frequency
and which belongs to the opposite edge.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels import kaiser_bessel
from daiss_bluesky.kernels.kaiser_bessel import STEPS, WIDTH
from daiss_bluesky.kernels.lane_fft import (
    CELL,
    LanePlan,
    fast_length,
    get,
    plan,
    put,
    put_turned,
    transform,
)
from daiss_bluesky.kernels.lanes import (
    LANES,
    add,
    load,
    multiply_add,
    splat,
    store,
    subtract,
)
from daiss_bluesky.kernels.ramp import series_response
from daiss_bluesky.kernels.threads import threads_for

PAD = 3
BLOCK = 2 * LANES
"""Slices of a block."""

CENTER = 16
"""Grid points around the middle whose sums keep what rounding would take from them.

Every projection adds to these, and most of a slice's power is there: without it a slice
would depend on its neighbor in the pair by 1e-5 of its largest value.
"""

OVERSAMPLING = 1.25
GROUP = 8
"""Projections spread in one go, so that a part of the grid stays in the cache."""

_TAP_WORK = 4
"""Operations for each grid point a sample of one slice is spread over."""

_BLOCKS_ALONE = 4
"""From so many blocks a thread need not share one with another."""


@dataclass(frozen=True)
class Grid:
    """Geometry of the grids for slices n columns wide, and the tables they need."""

    rows: int
    columns: int
    filter_name: str = "ramp"

    @cached_property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.rows // BLOCK)

    @cached_property
    def size(self) -> int:
        """Grid points along u or v, without PAD."""
        return fast_length(int(np.ceil(OVERSAMPLING * self.columns)))

    @property
    def side(self) -> int:
        """Grid points along u or v, with PAD."""
        return self.size + 2 * PAD

    @cached_property
    def plan(self) -> LanePlan:
        """Transform along u or v."""
        return plan(self.size)

    @cached_property
    def row_plan(self) -> LanePlan:
        """Transform of a projection's row, padded so that it cannot wrap around."""
        return plan(fast_length(2 * self.columns))

    @cached_property
    def beta(self) -> float:
        """Shape of the window."""
        return kaiser_bessel.shape_parameter(self.size / self.columns)

    @cached_property
    def table(self) -> NDArray[np.float32]:
        """The window's weights."""
        return kaiser_bessel.table(self.beta)

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """Of the samples of a row's transform, in cycles per column."""
        return np.asarray(np.fft.fftfreq(self.row_plan.length), np.float64)

    @cached_property
    def response(self) -> NDArray[np.float64]:
        """Of the filter at these frequencies, with the transform's own factor."""
        length = self.row_plan.length
        half = series_response(self.columns, self.filter_name, length).copy()
        # The highest frequency has no sign, so it would mix the slices of a pair.
        half[-1] = 0.0
        return np.concatenate([half, half[1:-1][::-1]]) / length

    @cached_property
    def correction(self) -> NDArray[np.float32]:
        """What each column of the inverse transform is multiplied by.

        One over the window's transform, and the sign that comes from counting
        frequencies from the middle of the grid.
        """
        x = np.arange(self.columns) - self.columns // 2
        spread_by = kaiser_bessel.window_transform(x / self.size, self.beta)
        return np.asarray((1.0 - 2.0 * (x % 2)) / spread_by, np.float32)

    def rounds(self, threads: int) -> float:
        """How many blocks' samples one of so many threads spreads in its turn."""
        shared = _sharing(self.blocks)
        return float(np.ceil(self.blocks * shared / threads) / shared)

    @property
    def bytes(self) -> int:
        """Size of `zeros()`."""
        return 4 * self.blocks * self.side**2 * CELL

    @property
    def reach(self) -> int:
        """Grid points from the middle within which sums are exact."""
        return min(CENTER, self.size // 2 - 1)

    @property
    def remainder_bytes(self) -> int:
        """Size of `remainders()`."""
        return 8 * self.blocks * (2 * (self.reach + PAD) + 1) ** 2 * CELL

    def remainders(self) -> NDArray[np.float32]:
        """Make room for what rounding took from the middle of each grid: none yet.

        (block, part, cells of u and v, flat); part 0 gathers a few projections.
        """
        side = 2 * (self.reach + PAD) + 1
        return np.zeros((self.blocks, 2, side * side * CELL), np.float32)

    @property
    def slice_bytes(self) -> int:
        """Peak memory of one axial slice."""
        return 4 * np.dtype(np.complex64).itemsize * self.side**2

    def work_bytes(self, frames: int) -> int:
        """Peak memory of `add_projections` for so many frames."""
        return 4 * self.blocks * min(frames, GROUP) * self.row_plan.length * CELL

    def zeros(self) -> NDArray[np.float32]:
        """Make an empty grid for each block: (block, cells of all u and v, flat)."""
        shape = (self.blocks, self.side * self.side * CELL)
        grids = np.empty(shape, np.float32)
        clear(grids)
        return grids

    def turns(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> NDArray[np.float32]:
        """Filter, weight and shift from column 0 to the rotation center, in one.

        (angle, frequency, 2): real and imaginary part. The center of a slice is half
        a pixel from a grid point where its width is even.
        """
        half_pixel = self.columns // 2 - (self.columns - 1) / 2
        diagonal = np.cos(angles_rad) + np.sin(angles_rad)
        shift_px = 0.5 - center_px - half_pixel * diagonal
        phase = -2 * np.pi * shift_px[:, None] * self.frequencies
        amplitude = weights[:, None] * self.response
        parts = amplitude * np.cos(phase), amplitude * np.sin(phase)
        return np.stack(parts, axis=-1).astype(np.float32)


def clear(grids: NDArray[np.float32]) -> None:
    """Set grids to zero; written to, so that their pages exist."""
    with threads_for(grids.size):
        _clear(grids)


@njit(cache=True, nogil=True, parallel=True)
def _clear(grids):  # type: ignore[no-untyped-def]
    part = CELL * LANES
    for task in prange(grids.size // part + 1):
        grids.reshape(grids.size)[task * part : (task + 1) * part] = np.float32(0)


def add_projections(
    grids: NDArray[np.float32],
    remainders: NDArray[np.float32],
    grid: Grid,
    p: NDArray[np.float32],
    angles_rad: NDArray[np.float64],
    weights: NDArray[np.float64],
    center_px: float,
) -> None:
    """Add attenuation (angle, row, column) to grids of `Grid.zeros`, in place.

    `remainders` are those of `Grid.remainders`, to be kept as long as the grids.
    """
    frequencies = (grid.frequencies * grid.size).astype(np.float32)
    for first in range(0, len(p), GROUP):
        part = slice(first, first + GROUP)
        angles = angles_rad[part]
        spectra = transform_rows(p[part], grid, angles, weights[part], center_px)
        cos, sin = (f(angles).astype(np.float32) for f in (np.cos, np.sin))
        with threads_for(_work(grid, len(angles))):
            _spread(
                spectra, cos, sin, frequencies, grid.table, grid.size, grid.reach,
                grids, remainders,
            )  # fmt: skip


def transform_rows(
    p: NDArray[np.float32],
    grid: Grid,
    angles_rad: NDArray[np.float64],
    weights: NDArray[np.float64],
    center_px: float,
) -> NDArray[np.float32]:
    """Give filtered spectra about the center: (block, angle, cells of a row, flat)."""
    made = grid.row_plan
    turns = grid.turns(angles_rad, weights, center_px)
    spectra = np.empty((grid.blocks, len(p), made.length * CELL), np.float32)
    frames = np.ascontiguousarray(p)
    with threads_for(_work(grid, len(p))):
        _transform_rows(frames, turns, made.radices, made.twiddles, spectra)
    return spectra


def _work(grid: Grid, n_angles: int) -> int:
    samples = n_angles * grid.blocks * grid.row_plan.length * BLOCK
    return _TAP_WORK * samples * WIDTH**2


@njit(cache=True, nogil=True, parallel=True)
def _transform_rows(p, turns, radices, twiddles, spectra):  # type: ignore[no-untyped-def]
    n_angles, rows, _ = p.shape
    length = twiddles.shape[0]
    for task in prange(spectra.shape[0] * n_angles):
        block, a = task // n_angles, task % n_angles
        first = block * BLOCK
        x = np.empty(length * CELL, np.float32)
        y = np.empty(length * CELL, np.float32)
        _arrange(p[a], first, min(BLOCK, rows - first), x)
        found = transform(x, y, radices, twiddles)
        out = spectra[block, a]
        for k in range(length):
            real, imag = get(found, k)
            put_turned(out, k, real, imag, turns[a, k, 0], turns[a, k, 1])


@njit(cache=True, nogil=True)
def _arrange(frame, first, count, x):  # type: ignore[no-untyped-def]
    """Lay rows side by side, padded by the line from last to first pixel."""
    n = frame.shape[1]
    length = x.shape[0] // CELL
    for start in range(0, n, LANES):
        stop = min(start + LANES, n)
        for z in range(count):
            for j in range(start, stop):
                x[j * CELL + z] = frame[first + z, j]
        for z in range(count, BLOCK):
            for j in range(start, stop):
                x[j * CELL + z] = np.float32(0)
    last_real, last_imag = get(x, n - 1)
    first_real, first_imag = get(x, 0)
    step_real = subtract(first_real, last_real)
    step_imag = subtract(first_imag, last_imag)
    for j in range(n, length):
        u = splat(np.float32((j - n + 1) / (length - n + 1)))
        real = multiply_add(u, step_real, last_real)
        put(x, j, real, multiply_add(u, step_imag, last_imag))


@njit(cache=True, nogil=True)
def _sharing(blocks):  # type: ignore[no-untyped-def]
    # Every line has as much in either half of the grid: two threads may share one.
    return 1 if blocks >= _BLOCKS_ALONE else 2


@njit(cache=True, nogil=True, parallel=True)
def _spread(spectra, cos, sin, frequencies, table, size, reach, grids, remainders):  # type: ignore[no-untyped-def]
    middle, side = size // 2 + PAD, size + 2 * PAD
    shared = _sharing(len(grids))
    for task in prange(len(grids) * shared):
        block = task // shared
        low = middle if shared == 2 and task % shared else 0  # noqa: PLR2004
        high = middle if shared == 2 and not task % shared else side  # noqa: PLR2004
        for a in range(spectra.shape[1]):
            _spread_line(
                spectra[block, a], cos[a], sin[a], frequencies, table, middle, side,
                low, high, reach, grids[block], remainders[block, 0],
            )  # fmt: skip
        _gather_in(
            grids[block], remainders[block], middle, side, low, high, reach + PAD
        )


@njit(cache=True, nogil=True)
def _spread_line(  # type: ignore[no-untyped-def]
    spectrum, cos, sin, frequencies, table, middle, side, low, high, reach, grid, center
):  # fmt: skip
    """Spread over the grid, near its middle over `center` instead."""
    v_weights = np.empty(WIDTH, np.float32)
    for k in range(frequencies.shape[0]):
        u, v = frequencies[k] * cos, frequencies[k] * sin
        u_floor, v_floor = np.floor(u), np.floor(v)
        first_u = int(u_floor) + middle - WIDTH // 2 + 1
        first_v = int(v_floor) + middle - WIDTH // 2 + 1
        if first_u + WIDTH <= low or first_u >= high:
            continue
        u_place, v_place = (u - u_floor) * STEPS, (v - v_floor) * STEPS
        u_step, v_step = int(u_place), int(v_place)
        u_part, v_part = u_place - u_step, v_place - v_step
        for m in range(WIDTH):
            v0, v1 = table[v_step, m], table[v_step + 1, m]
            v_weights[m] = v0 + np.float32(v_part) * (v1 - v0)
        real, imag = get(spectrum, k)
        target, width, away = grid, side, 0
        if abs(frequencies[k]) < reach:
            target, width = center, 2 * (reach + PAD) + 1
            away = (middle - reach - PAD) * (width + 1)
        for i in range(max(low, first_u), min(high, first_u + WIDTH)):
            u0, u1 = table[u_step, i - first_u], table[u_step + 1, i - first_u]
            u_weight = u0 + np.float32(u_part) * (u1 - u0)
            for m in range(WIDTH):
                weight = splat(u_weight * v_weights[m])
                j = i * width + first_v + m - away
                at_real, at_imag = get(target, j)
                at_real = multiply_add(weight, real, at_real)
                put(target, j, at_real, multiply_add(weight, imag, at_imag))


@njit(cache=True, nogil=True)
def _gather_in(grid, remainders, middle, side, low, high, reach):  # type: ignore[no-untyped-def]
    """Add what was spread near the middle, keeping what rounding takes of it.

    Knuth's sum of two numbers and its error (The Art of Computer Programming 2, 4.2.2).
    """
    width = 2 * reach + 1
    for i in range(max(low, middle - reach), min(high, middle + reach + 1)):
        at = (i * side + middle - reach) * CELL
        near = (i - middle + reach) * width * CELL
        for step in range(0, width * CELL, LANES):
            a = load(grid, at + step)
            b = add(load(remainders[0], near + step), load(remainders[1], near + step))
            total = add(a, b)
            b_part = subtract(total, a)
            lost = add(subtract(a, subtract(total, b_part)), subtract(b, b_part))
            store(grid, at + step, total)
            store(remainders[0], near + step, splat(np.float32(0)))
            store(remainders[1], near + step, lost)
