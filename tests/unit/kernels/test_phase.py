"""Phase retrieval against objects propagated by Fresnel's integral, and its definition.

Water at 30 keV: δ = 2.56e-7, β = 2.3e-10 (δ/β = 1113); ellipsoids up to 108 µm thick.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels import phase, reference_phase
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.kernels.phase import (
    METHODS,
    PhaseFilter,
    ratio,
    retrieve,
    thickness_um,
)
from daiss_bluesky.kernels.propagation import (
    FresnelPropagator,
    absorption_per_m,
    exit_wave,
)

Array = NDArray[np.float64]

DELTA, BETA, ENERGY_KEV, PIXEL_UM = 2.56e-7, 2.3e-10, 30.0, 2.0
N, OVERSAMPLING = 128, 4
WATER = PhaseFilter("paganin", DELTA / BETA, ENERGY_KEV, 100.0, PIXEL_UM)
"""Near field: λz is 1.03 squared pixels, the filter averages over 9.6 pixels."""

BODY_WITH_PORES = np.array([
    [0, 0, 0, 0.55, 0.42, 0.6, 0.4, 1.0],
    [0.15, 0.1, 0.1, 0.16, 0.12, 0.2, 1.1, -1.0],
    [-0.2, -0.05, -0.2, 0.1, 0.08, 0.12, 0.3, -1.0],
    [-0.05, 0.2, 0.25, 0.07, 0.07, 0.07, 0, -1.0],
    [0.3, -0.12, -0.1, 0.05, 0.04, 0.06, 0.2, -1.0],
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Experiment:
    intensity: NDArray[np.float32]
    thickness_um: Array
    beta: float

    def error(self, setting: PhaseFilter) -> float:
        """RMS error of the thickness over its RMS, inside the object."""
        line_integrals = retrieve(self.intensity[None], setting)[0]
        found = thickness_um(line_integrals, self.beta, ENERGY_KEV)
        inside = self.thickness_um > 0
        difference = (found - self.thickness_um)[inside]
        return float(np.sqrt(np.mean(difference**2) / self.mean_square(inside)))

    def mean_square(self, inside: NDArray[np.bool_]) -> float:
        return float(np.mean(self.thickness_um[inside] ** 2))


@lru_cache
def measure(distance_mm: float, density: float = 1.0) -> Experiment:
    """Propagate on a four times finer grid, then let each pixel sum what it sees."""
    fine = N * OVERSAMPLING
    lengths = project(BODY_WITH_PORES, 0.5, FieldGeometry(fine, fine, fine / 2))
    thickness = lengths.astype(np.float64) * (N / 2 * PIXEL_UM)
    beta = BETA * density
    line_integrals = absorption_per_m(beta, ENERGY_KEV) * 1e-6 * thickness
    wave = exit_wave(-line_integrals.astype(np.float32), DELTA / BETA)
    pixel_m = PIXEL_UM * 1e-6 / OVERSAMPLING
    propagator = FresnelPropagator(distance_mm * 1e-3, ENERGY_KEV, pixel_m)
    intensity = _bin(np.abs(propagator.propagate(wave)) ** 2).astype(np.float32)
    return Experiment(intensity, _bin(thickness), beta)


def _bin(fine: NDArray[np.floating]) -> Array:
    blocks = fine.astype(np.float64).reshape(N, OVERSAMPLING, N, OVERSAMPLING)
    return np.asarray(blocks.mean(axis=(1, 3)))


@pytest.mark.parametrize("method", METHODS)
def test_thickness_in_the_near_field(method: str) -> None:
    """Found: paganin 0.63 %, ctf 0.64 %, generalized-paganin 0.95 %."""
    assert measure(100.0).error(replace(WATER, method=method)) < 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.2, 2.0, 4 * np.pi, 1 / (4 * np.pi**2)])
def test_a_wrong_factor_shows(method: str, factor: float) -> None:
    """δ/β by 20 %, 2π in place of 4π or the reverse, f in place of k."""
    wrong = replace(WATER, method=method, delta_beta=DELTA / BETA * factor)
    assert measure(100.0).error(wrong) > 0.03


def multiplied(inverse: NDArray[np.float32]) -> NDArray[Any]:
    return 1 / inverse


def wrongly_bracketed(inverse: NDArray[np.float32]) -> NDArray[Any]:
    """Multiplied by 4πβ / 1 + λzδ k², which is 4πβ c."""
    return 4 * np.pi * BETA / inverse


def squared(inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    return inverse**2


def left_out(inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ones_like(inverse)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mistake", [multiplied, wrongly_bracketed, squared, left_out])
def test_a_mistaken_filter_shows(
    method: str,
    mistake: Callable[[NDArray[np.float32]], NDArray[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = phase.inverse_transfer

    def wrong(setting: PhaseFilter, rows: int, columns: int) -> NDArray[np.float32]:
        return mistake(right(setting, rows, columns)).astype(np.float32)

    monkeypatch.setattr(phase, "inverse_transfer", wrong)
    assert measure(100.0).error(replace(WATER, method=method)) > 0.1


def test_far_field_of_a_weak_object_needs_the_contrast_transfer() -> None:
    """λz of 33 squared pixels, phases up to 0.4 rad: ctf 1.3 %, paganin 2.8 %."""
    weak = measure(3200.0, density=0.1)
    far = replace(WATER, distance_mm=3200.0)
    assert weak.error(replace(far, method="ctf")) < 0.016
    assert weak.error(far) > 0.02
    assert weak.error(replace(far, method="generalized-paganin")) > 0.02


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(64, 48), (37, 53), (1, 41), (101, 17), (1, 1)])
@pytest.mark.parametrize("distance_mm", [0.0, 50.0, 2000.0])
def test_compiled_form_equals_the_reference(
    method: str, shape: tuple[int, int], distance_mm: float
) -> None:
    setting = PhaseFilter(method, 400.0, 20.0, distance_mm, 2.0, 1.3)
    frames = np.random.default_rng(3).uniform(0.2, 1.1, (3, *shape)).astype(np.float32)
    expected = [reference_phase.retrieve(frame, setting) for frame in frames]
    np.testing.assert_allclose(retrieve(frames, setting), expected, atol=3e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_makes_no_difference(method: str) -> None:
    setting = replace(WATER, method=method)
    frames = np.random.default_rng(4).uniform(0.2, 1, (40, 60, 90)).astype(np.float32)
    kept = frames.copy()
    together = retrieve(frames, setting)
    alone = np.concatenate([retrieve(frame[None], setting) for frame in frames])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_array_equal(frames, kept)
    assert retrieve(frames, setting, out=frames) is frames
    np.testing.assert_array_equal(frames, together)


@pytest.mark.parametrize("frames", [1, 3])
def test_threads_make_no_difference(
    frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads share one frame, or each takes whole ones."""
    t = np.random.default_rng(6).uniform(0.2, 1, (frames, 300, 500)).astype(np.float32)
    alone = retrieve(t, WATER)

    @contextmanager
    def two(work: int) -> Iterator[int]:
        assert work > 0
        yield 2

    monkeypatch.setattr(phase, "threads_for", two)
    np.testing.assert_allclose(retrieve(t, WATER), alone, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("distance_mm", [0.0, 1.0, 20.0, 100.0, 400.0])
def test_rows_with_a_margin_are_those_of_the_whole_frame(
    method: str, distance_mm: float
) -> None:
    setting = PhaseFilter(method, 100.0, 30.0, distance_mm, 2.0)
    margin = setting.margin_px
    shape = (1, 20 + 4 * margin, 64)
    frames = np.random.default_rng(5).uniform(0.5, 1, shape).astype(np.float32)
    whole = retrieve(frames, setting)[:, 2 * margin : -2 * margin]
    part = retrieve(frames[:, margin:-margin], setting)[:, margin:-margin]
    np.testing.assert_allclose(part, whole, atol=1e-5)
    assert margin < 165 + 12 * setting.blur_px + 10 * setting.fresnel_px2


def test_even_beam_and_even_absorber_keep_their_values() -> None:
    frames = np.full((1, 20, 30), np.exp(-0.7), np.float32)
    for method in METHODS:
        found = retrieve(frames, replace(WATER, method=method))
        np.testing.assert_allclose(found, 0.7, rtol=1e-5)


def test_no_light_stays_finite() -> None:
    found = retrieve(np.zeros((1, 8, 8), np.float32), WATER)
    np.testing.assert_allclose(found, -np.log(1e-5), rtol=1e-5)


def test_magnification_is_a_nearer_and_finer_detector() -> None:
    cone = replace(WATER, distance_mm=300.0, pixel_size_um=6.0, magnification=3.0)
    assert cone.fresnel_px2 == pytest.approx(WATER.fresnel_px2)
    assert cone.blur_px == pytest.approx(9.57, abs=0.01)


def test_thickness() -> None:
    per_um = absorption_per_m(BETA, ENERGY_KEV) * 1e-6
    found = thickness_um(np.array([0.0, 100 * per_um]), BETA, ENERGY_KEV)
    np.testing.assert_allclose(found, [0, 100], rtol=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("delta_beta", 0.0, "positive delta_beta, not 0.0"),
        ("delta_beta", -5.0, "positive delta_beta"),
        ("delta_beta", np.nan, "positive delta_beta, not nan"),
        ("energy_kev", 0.0, "positive energy_kev"),
        ("energy_kev", np.inf, "positive energy_kev"),
        ("pixel_size_um", -1.0, "positive pixel_size_um"),
        ("distance_mm", -1.0, "distance_mm of 0 or more, not -1.0"),
        ("distance_mm", np.nan, "distance_mm of 0 or more, not nan"),
        ("magnification", 0.5, "magnification of 1"),
        ("method", "bronnikov", r"'bronnikov' \(known: ctf, gen.*, paganin\)"),
    ],
)
def test_what_is_not_physical_is_refused(
    key: str, value: float | str, sentence: str
) -> None:
    values = {
        "method": "paganin", "delta_beta": 100.0, "energy_kev": 20.0,
        "distance_mm": 100.0, "pixel_size_um": 1.0,
    }  # fmt: skip
    with pytest.raises(InputError, match=sentence):
        PhaseFilter(**(values | {key: value}))  # type: ignore[arg-type]


def test_delta_and_beta_must_be_positive() -> None:
    assert ratio(DELTA, BETA) == pytest.approx(1113, abs=1)
    with pytest.raises(InputError, match="positive beta, not 0"):
        ratio(DELTA, 0)
    with pytest.raises(InputError, match="positive delta, not -1"):
        ratio(-1, BETA)
    with pytest.raises(InputError, match="positive beta"):
        thickness_um(np.ones(3), -BETA, ENERGY_KEV)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_frame_with_a_hole_is_refused(bad: float) -> None:
    frames = np.ones((3, 8, 8), np.float32)
    frames[2, 3, 4] = bad
    with pytest.raises(InputError, match="frame 2 of a batch has pixels that are NaN"):
        retrieve(frames, WATER)
