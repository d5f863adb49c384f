"""Which of the eight orientations of the detector is in force: a short trial of each.

Frames that lie wrong do not fit together where neighbors overlap, so a reconstruction
of few of them keeps a higher residual. One case is not seen that way: turned by half a
turn, far-field frames fit as well with the conjugate object and the conjugate probe,
whose amplitudes are right and whose phases are not. Then the probe's own curvature
decides, if the guess has any, or that matter absorbs where it retards the phase. Where
nothing fits, as with a guess out of a mean frame, a curvature is looked for first.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.absorption_sign import retarded_where_absorbed
from daiss_bluesky.kernels.circulation import circulation
from daiss_bluesky.kernels.frame_moments import frame_moments
from daiss_bluesky.kernels.orientation import ORIENTATIONS, TWIN
from daiss_bluesky.kernels.orientation_trial import HOST, Arrays, Trial, TrialResult
from daiss_bluesky.kernels.overlap import probe_intensity
from daiss_bluesky.kernels.probe_curvature import add_curvature, find_curvature

Evidence = Literal["probe", "absorption", "none"]

LEAST_CONFIDENCE = 0.3
"""Below it a choice is not to be relied on."""

_CLEAR_GAP = 0.1
"""Part by which the worse residual exceeds the better where that says all."""

_FEW, _SHORT = 16, 4
"""Frames and passes that a curvature is tried with."""
_KEPT = 0.995
"""Part of the light inside the square that is cut out of the frames."""
_LEAST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Orientation:
    """What was found; confidences from 0 (a guess) to 1."""

    name: str
    """What must be done to the frames."""
    scores: dict[str, float]
    """Amplitude residual of each orientation after its trial."""
    confidence: float
    """The smaller of the two that follow."""
    fit_confidence: float
    """That it is this one or its conjugate twin, and none of the other six."""
    twin_confidence: float
    """That it is not the conjugate twin, a half turn apart."""
    twin_evidence: Evidence
    """What told it from the twin."""
    curvature_px2: float
    """What had to be added to the guess of the probe before anything fitted, with this
    name: see `add_curvature`. 0 where the guess was good enough."""
    reason: str
    """One sentence."""


def find_orientation(
    frames: NDArray[Any],
    positions_px: NDArray[np.float64],
    probe: NDArray[Any],
    *,
    bad: NDArray[np.bool_] | None = None,
    n_frames: int = 36,
    iterations: int = 6,
    curvature_known: bool = True,
    arrays: Arrays = HOST,
) -> Orientation:
    """Try all eight on neighboring frames and tell which one fits, and how surely.

    `frames` (frame, row, column) with the zero frequency at n // 2, as they come;
    `positions_px` (frame, 2) in pixels of the object; `probe` (mode, row, column) or
    (row, column), a guess whose curvature is that of the beam, unless not
    `curvature_known`, as of one found from these frames; `bad` pixels do not count.
    `arrays`: where trials are computed.
    A confidence is by how much more than half of the frames are explained better
    (from 0 at half to 1 at all), less where residuals differ by less than a tenth; for
    the twin by absorption it is the correlation of what is absorbed with what is
    retarded. Raises InputError for less than four frames with light, or arrays that do
    not belong together.
    """
    _check(frames, positions_px, probe, bad)
    chosen = choose_frames(frames, positions_px, n_frames)
    some, places = frames[chosen], positions_px[chosen]
    results = _run_all(_prepare(some, places, probe, bad, arrays), iterations)
    if _fit(results)[1] >= LEAST_CONFIDENCE:
        return judge(results, curvature_px2=None if curvature_known else 0.0)
    center_px = frame_moments(frames, bad).center_px
    pair, slopes = by_circulation(circulation(positions_px, center_px))
    name = pair or _fit(results)[0]
    few = choose_frames(some, places, _FEW)

    def residual_of(guess: NDArray[Any]) -> float:
        trial = _prepare(some[few], places[few], guess, bad, arrays)
        return trial.run([name], _SHORT)[name].residual

    curvature, _ = find_curvature(probe, residual_of)
    curved = _prepare(some, places, add_curvature(probe, curvature), bad, arrays)
    results = _run_all(curved, iterations)
    if _fit(results)[1] >= LEAST_CONFIDENCE:
        return judge(results, curvature_px2=curvature)
    return _undecided(name, results, slopes)


def _run_all(trial: Trial, iterations: int) -> dict[str, TrialResult]:
    return trial.run(ORIENTATIONS, iterations)


def judge(
    results: dict[str, TrialResult], curvature_px2: float | None = None
) -> Orientation:
    """Choose by residual between the pairs of twins, then between the two of a pair.

    A curvature that had to be found says nothing between twins: with the opposite one
    the other fits as well.
    """
    best, fit = _fit(results)
    given = curvature_px2 is None
    name, evidence, twin, doubt = _against_twin(best, results, given=given)
    added = 0.0 if curvature_px2 is None else curvature_px2
    return Orientation(
        name=name,
        scores=_scores(results),
        confidence=min(fit, twin),
        fit_confidence=fit,
        twin_confidence=twin,
        twin_evidence=evidence,
        curvature_px2=added if name == best else -added,
        reason=_reason(name, evidence, twin, doubt=doubt),
    )


def _undecided(
    name: str, results: dict[str, TrialResult], slopes: float
) -> Orientation:
    """Say what the slopes of the phase tell where no trial fits."""
    reason = f"no orientation fits clearly better than the others ({name} at best)"
    if slopes >= LEAST_CONFIDENCE:
        reason = (
            f"{name} or {TWIN[name]} by the slopes of the phase; the guess of the probe"
            " is too far off to tell more"
        )
    return Orientation(name, _scores(results), 0.0, slopes, 0.0, "none", 0.0, reason)


def _scores(results: dict[str, TrialResult]) -> dict[str, float]:
    return {name: result.residual for name, result in results.items()}


def _fit(results: dict[str, TrialResult]) -> tuple[str, float]:
    """Give the orientation that fits best, and how surely no other pair does."""
    best = min(results, key=lambda name: results[name].residual)
    others = [name for name in ORIENTATIONS if name not in {best, TWIN[best]}]
    next_best = min(others, key=lambda name: results[name].residual)
    return best, _share_better(results[best], results[next_best])


def by_circulation(shares: dict[str, float] | None) -> tuple[str | None, float]:
    """Give the pair with the least circulation, and by how much it has less."""
    if shares is None:
        return None, 0.0
    least, second = sorted(shares, key=lambda name: shares[name])[:2]
    return least, 1 - shares[least] / shares[second]


def _against_twin(
    best: str, results: dict[str, TrialResult], *, given: bool
) -> tuple[str, Evidence, float, bool]:
    """Choose between two twins: name, by what, how surely, and whether that is odd."""
    result = results[best]
    by_probe = _share_better(result, results[TWIN[best]]) if given else 0.0
    sign = retarded_where_absorbed(result.waves, result.totals, result.positions_px)
    if by_probe >= LEAST_CONFIDENCE:
        odd = sign < -LEAST_CONFIDENCE
        return best, "probe", by_probe * (0.5 if odd else 1.0), odd
    if abs(sign) >= LEAST_CONFIDENCE:
        return (best if sign > 0 else TWIN[best]), "absorption", abs(sign), False
    return best, "none", by_probe, False


def _reason(name: str, evidence: str, twin: float, *, doubt: bool) -> str:
    if evidence == "none":
        return (
            f"{name} or {TWIN[name]}: neither the probe nor absorption tells the object"
            " from its conjugate"
        )
    if doubt:
        return (
            f"{name} by the curvature of the probe, but then matter would advance the"
            " phase where it absorbs: the probe's defocus may have the wrong sign"
        )
    by = "curvature of the probe" if evidence == "probe" else "absorption of the sample"
    return f"{name}, told from its conjugate by the {by} ({100 * twin:.0f} %)"


def choose_frames(
    frames: NDArray[Any], positions_px: NDArray[np.float64], n: int
) -> NDArray[np.int64]:
    """Choose n neighbors with light, where frames differ most from their mean."""
    totals = np.array([float(np.sum(frame, dtype=np.float64)) for frame in frames])
    lit = np.flatnonzero(totals > 0)
    if len(lit) < 4:  # noqa: PLR2004
        raise InputError(
            f"{len(lit)} frames with light do not tell the orientation of the detector"
        )
    mean = np.mean(frames[lit], axis=0, dtype=np.float64)
    difference = np.array(
        [float(np.abs(frames[i] / totals[i] - mean / mean.sum()).sum()) for i in lit]
    )
    places = positions_px[lit]
    best, chosen = -1.0, lit
    for center in places[:: max(1, len(lit) // 16)]:
        near = np.argsort(((places - center) ** 2).sum(axis=1), kind="stable")[:n]
        if difference[near].sum() > best:
            best, chosen = float(difference[near].sum()), lit[np.sort(near)]
    return np.asarray(chosen, np.int64)


def _share_better(first: TrialResult, second: TrialResult) -> float:
    """Give by how much more than half of the frames the first explains better.

    Less where the residuals hardly differ: rounding alone favors one of two twins.
    """
    share = float(np.mean(first.by_frame < second.by_frame))
    gap = second.residual / max(first.residual, 1e-12) - 1
    return max(0.0, 2 * share - 1) * min(1.0, max(0.0, gap) / _CLEAR_GAP)


def _check(
    frames: NDArray[Any],
    positions_px: NDArray[np.float64],
    probe: NDArray[Any],
    bad: NDArray[np.bool_] | None,
) -> None:
    if frames.ndim != 3 or positions_px.shape != (len(frames), 2):  # noqa: PLR2004
        raise InputError(
            f"frames of shape {frames.shape} came with positions of"
            f" {positions_px.shape}, expected (frame, row, column) and (frame, 2)"
        )
    for name, part in (("probe", probe), ("mask", bad)):
        if part is not None and part.shape[-2:] != frames.shape[1:]:
            raise InputError(
                f"the {name} has shape {part.shape[-2:]} but the frames have"
                f" {frames.shape[1:]}"
            )


def _prepare(
    frames: NDArray[Any],
    positions_px: NDArray[np.float64],
    probe: NDArray[Any],
    bad: NDArray[np.bool_] | None,
    arrays: Arrays,
) -> Trial:
    """Cut out a square around the zero frequency, so that all eight are of one shape.

    What is left of the light at the edge makes the pixel of the object larger.
    """
    shape = frames.shape[1:]
    good = np.ones(shape, bool) if bad is None else ~bad
    mean = np.mean(frames, axis=0) * good
    side = _side(mean)
    intensity = _cut(frames, side)
    keep = _cut(good, side)
    modes = probe.reshape(-1, *probe.shape[-2:]).astype(np.complex128)
    spectrum = np.fft.fftshift(scipy.fft.fft2(modes), axes=(-2, -1))
    small = scipy.fft.ifft2(np.fft.ifftshift(_cut(spectrum, side), axes=(-2, -1)))
    lit = np.sum(intensity * keep, axis=(1, 2))
    small *= np.sqrt(np.percentile(lit, 90) / probe_intensity(small).sum())
    scaled_px = positions_px * (side / np.array(shape))
    return Trial(intensity, keep, scaled_px, small, arrays)


def _side(mean: NDArray[np.float64]) -> int:
    """Give the side of the smallest centered square with almost all light, even."""
    rows, columns = mean.shape
    y, x = (np.abs(np.arange(n) - n // 2) for n in mean.shape)
    far = np.maximum(y[:, None], x[None, :])
    light = np.cumsum(np.bincount(far.ravel(), mean.ravel()))
    half = 1 + int(np.searchsorted(light, _KEPT * float(light[-1])))
    return int(max(min(_LEAST_SIDE, rows, columns), min(2 * half, rows, columns)))


def _cut(images: NDArray[Any], side: int) -> NDArray[Any]:
    """Take the square around pixel n // 2 (..., row, column)."""
    first = [n // 2 - side // 2 for n in images.shape[-2:]]
    return images[..., first[0] : first[0] + side, first[1] : first[1] + side]
