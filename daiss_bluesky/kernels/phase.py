"""Phase retrieval from one distance: intensity behind free space to attenuation.

For a sample of one material, with δ/β known, the transform of the intensity I/I0 at a
distance z is divided by what propagation did to it, and the line integral of the
attenuation is μT = -ln F⁻¹[F[I/I0] / c], with k = 2πf and

paganin               c = 1 + λzδ/(4πβ) k²
generalized-paganin   c = 1 + λzδ/(4πβ) · 2 (2 - cos kx·p - cos ky·p)/p²
ctf                   c = cos χ + (δ/β) sin χ, χ = πλz f²

The first two are for the near field and any absorption: Paganin et al., J. Microsc.
206, 33 (2002), and, for pixels of size p, New J. Phys. 22, 063009 (2020). The third is
for weak objects at any distance: Gureyev et al., Opt. Commun. 231, 53 (2004), where
1 - I/I0 stands for the logarithm, which is the same to first order. Defined by
`reference_phase`.

A frame is continued by its mirror image for ever, by cosine transforms, so that no
reach of the filter needs padding. A few rows or columns are transformed at once, and
the filter and the logarithm applied to them while they are in the cache.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.kernels import fft
from daiss_bluesky.kernels.propagation import absorption_per_m, wavelength_m
from daiss_bluesky.kernels.reference import MIN_TRANSMISSION
from daiss_bluesky.kernels.threads import threads_for

METHODS = ("ctf", "generalized-paganin", "paganin")

CTF_DAMPING = 0.3
"""Past its first maximum, a transfer much below this part of it is not divided out."""

_TOLERANCE = 1e-5
_CTF_RINGS = 20
_WORK = 100
"""Operations for each pixel."""
_CACHED = 1 << 17
"""Values transformed at once: half of what a core's own cache holds."""

Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PhaseFilter:
    """A method and the experiment it is for; refuses what is not physical."""

    method: str
    delta_beta: float
    """δ/β of the material: refraction over absorption."""
    energy_kev: float
    distance_mm: float
    """Sample to detector."""
    pixel_size_um: float
    """Of the detector, as seen through its optics, before `magnification`."""
    magnification: float = 1.0
    """By a diverging beam: (source to detector) / (source to sample)."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown("phase retrieval method", self.method, METHODS)
        for name in ("delta_beta", "energy_kev", "pixel_size_um"):
            _positive(name, getattr(self, name))
        if not 0 <= self.distance_mm < np.inf:
            raise InputError(
                f"phase retrieval needs a distance_mm of 0 or more,"
                f" not {self.distance_mm}"
            )
        if not 1 <= self.magnification < np.inf:
            raise InputError(
                "phase retrieval needs a magnification of 1 (parallel beam) or more,"
                f" not {self.magnification}"
            )

    @property
    def fresnel_px2(self) -> float:
        """λz in squared pixels, both as they are at the sample.

        A diverging beam is a parallel one over z/M with pixels of p/M (the Fresnel
        scaling theorem).
        """
        pixel_m = self.pixel_size_um * 1e-6
        path_m = self.distance_mm * 1e-3 * self.magnification
        return float(wavelength_m(self.energy_kev) * path_m / pixel_m**2)

    @property
    def blur_px(self) -> float:
        """Length √(λzδ/(4πβ)) over which Paganin's filter averages."""
        return float(np.sqrt(self.delta_beta * self.fresnel_px2 / (4 * np.pi)))

    @property
    def margin_px(self) -> int:
        """Rows needed around a part of a frame to retrieve it as in the whole frame.

        The filter falls off as exp(-r / blur_px). Where it is cut off at the pixels'
        highest frequency (which generalized-paganin is not) it has a tail
        2 a²/((1 + π²a²)² r²), a = blur_px, which white noise makes count five times.
        That of ctf follows the light of the finest detail, which is deflected by half
        of fresnel_px2, and rings.
        """
        squared = self.blur_px**2
        reach = 2 - self.blur_px * np.log(_TOLERANCE)
        if self.method != "generalized-paganin":
            tail = 2 * squared / (1 + np.pi**2 * squared) ** 2
            reach = max(reach, np.sqrt(5 * tail / _TOLERANCE))
        if self.method == "ctf":
            reach += _CTF_RINGS * self.fresnel_px2 / 2
        return int(np.ceil(reach))


def ratio(delta: float, beta: float) -> float:
    """Give δ/β; both must be positive."""
    return _positive("delta", delta) / _positive("beta", beta)


def _positive(name: str, value: float) -> float:
    if not 0 < value < np.inf:
        raise InputError(f"phase retrieval needs a positive {name}, not {value}")
    return float(value)


def thickness_um(line_integrals: ArrayLike, beta: float, energy_kev: float) -> Frames:
    """Turn attenuation line integrals into projected thickness of the material, in µm.

    T = μT λ/(4πβ).
    """
    per_um = absorption_per_m(_positive("beta", beta), energy_kev) * 1e-6
    return np.asarray(np.asarray(line_integrals) / per_um, np.float32)


def retrieve(
    transmission: Frames, phase: PhaseFilter, out: Frames | None = None
) -> Frames:
    """Give attenuation line integrals of frames (frame, row, column) of I/I0.

    float32; into `out`, which may be the transmission itself, or into a new array.
    Each frame stands alone, so that batches make no difference. Raises InputError for
    a frame with a pixel that is not finite: it would spread over the whole frame.
    """
    frames = np.asarray(transmission, np.float32)
    if out is None:
        out = np.empty_like(frames)
    inverse = inverse_transfer(phase, *frames.shape[1:])
    with (
        threads_for(_WORK * frames.size) as threads,
        ThreadPoolExecutor(threads) as pool,
    ):
        # Whole frames a thread, unless there are too few.
        whole = len(frames) >= threads
        across, within = (pool.map, map) if whole else (map, pool.map)
        one = partial(_retrieve_frame, frames, inverse, out, within)
        list(across(one, range(len(frames))))
    return out


def _retrieve_frame(
    frames: Frames,
    inverse: Frames,
    out: Frames,
    run: Callable[..., Iterator[None]],
    i: int,
) -> None:
    """Retrieve frame i; `run` maps a function over parts, as `map` does."""
    rows, columns = frames.shape[1:]
    frame, spectrum = frames[i], out[i]
    if inverse.shape != (rows, columns):
        pads = [(0, inverse.shape[0] - rows), (0, inverse.shape[1] - columns)]
        frame = spectrum = np.pad(frame, pads, mode="symmetric")

    def transform_rows(part: slice) -> None:
        spectrum[part] = fft.dct(frame[part], axis=1)

    def filter_columns(part: slice) -> None:
        block = fft.dct(spectrum[:, part], axis=0)
        block *= inverse[:, part]
        spectrum[:, part] = fft.idct(block, axis=0, overwrite=True)

    def finish_rows(part: slice) -> None:
        filtered = fft.idct(spectrum[part], axis=1)
        _line_integrals(filtered[:, :columns], out[i, part])

    tall, wide = spectrum.shape
    list(run(transform_rows, _parts(tall, wide)))
    if not np.isfinite(spectrum[:, 0]).all():
        raise InputError(
            f"frame {i} of a batch has pixels that are NaN or infinite,"
            " which phase retrieval would spread over the whole frame"
        )
    list(run(filter_columns, _parts(wide, tall)))
    list(run(finish_rows, _parts(rows, wide)))


def _parts(n: int, length: int) -> list[slice]:
    """Divide n lines of a length so that each part stays in the cache."""
    step = max(16, _CACHED // length // 16 * 16)
    return [slice(first, min(first + step, n)) for first in range(0, n, step)]


def _line_integrals(t: Frames, out: Frames) -> None:
    np.maximum(t, np.float32(MIN_TRANSMISSION), out=out)
    np.log(out, out=out)
    np.negative(out, out=out)


@lru_cache(maxsize=4)
def inverse_transfer(phase: PhaseFilter, rows: int, columns: int) -> Frames:
    """Give 1/c at the frequencies of the padded frame's cosine transform; read-only."""
    tall, wide = padded_shape(rows, columns, phase.margin_px)
    f_row = np.arange(tall)[:, None] / (2 * tall)
    f_column = np.arange(wide) / (2 * wide)
    inverse = _INVERSES[phase.method](phase, f_row, f_column).astype(np.float32)
    inverse.setflags(write=False)
    return inverse


def padded_shape(rows: int, columns: int, margin_px: int) -> tuple[int, int]:
    """Give lengths whose transforms are fast; frames end in their mirror.

    Where a frame must be lengthened it is by its filter's margin at least: the seam
    where the mirror image is mirrored back is out of reach then.
    """
    tall, wide = (_fast_length(n, margin_px) for n in (rows, columns))
    return tall, wide


def _fast_length(n: int, margin_px: int) -> int:
    if scipy.fft.next_fast_len(n, real=True) == n:
        return n
    return int(scipy.fft.next_fast_len(n + min(n, margin_px), real=True))


Frequencies = NDArray[np.float64]


def _paganin(phase: PhaseFilter, fy: Frequencies, fx: Frequencies) -> Frequencies:
    squared = (2 * np.pi * phase.blur_px) ** 2 * (fy**2 + fx**2)
    return np.asarray(1 / (1 + squared))


def _generalized(phase: PhaseFilter, fy: Frequencies, fx: Frequencies) -> Frequencies:
    cosines = np.cos(2 * np.pi * fy) + np.cos(2 * np.pi * fx)
    return np.asarray(1 / (1 + 2 * phase.blur_px**2 * (2 - cosines)))


def _ctf(phase: PhaseFilter, fy: Frequencies, fx: Frequencies) -> Frequencies:
    """Give 1/c up to the first maximum of c, past it c/(c² + d²), d setting in gently.

    Near the zeros of c a little noise, or a little that is not linear, would fill the
    frame. The step from 1/c to the other form is smooth: a sharp one would ring on.
    """
    chi = np.pi * phase.fresnel_px2 * (fy**2 + fx**2)
    c = np.cos(chi) + phase.delta_beta * np.sin(chi)
    beyond = np.clip(chi / (np.pi / 2) - 1, 0, 1)
    onset = beyond**2 * (3 - 2 * beyond)
    damping2 = CTF_DAMPING**2 * (1 + phase.delta_beta**2)
    return np.asarray(c / (c**2 + damping2 * onset))


_INVERSES: dict[str, Callable[[PhaseFilter, Frequencies, Frequencies], Frequencies]] = {
    "paganin": _paganin,
    "generalized-paganin": _generalized,
    "ctf": _ctf,
}
