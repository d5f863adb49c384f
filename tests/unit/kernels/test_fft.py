"""Both FFT libraries against NumPy's float64 transforms."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.fft

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.kernels import fft

needs_fftw = pytest.mark.skipif(
    find_spec("pyfftw") is None, reason="pyfftw is not installed (extra fftw)"
)
BACKENDS = ["scipy", pytest.param("fftw", marks=needs_fftw)]
SHAPES = [(1, 8, 8), (3, 7, 9), (2, 30, 17), (2, 1, 5)]


def random(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'mkl' \(known: auto, fftw, scipy\)"):
        fft.rfft(random((4,)), backend="mkl")


def test_name_tells_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fft, "_has_fftw", lambda: True)
    assert fft.name() == "fftw"
    assert fft.name("scipy") == "scipy"
    monkeypatch.setattr(fft, "_has_fftw", lambda: False)
    assert fft.name() == "scipy"
    with pytest.raises(UnavailableError, match="pyfftw"):
        fft.name("fftw")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("overwrite", [False, True])
def test_along_an_axis(
    backend: str, shape: tuple[int, ...], axis: int, overwrite: bool
) -> None:
    x = random(shape)
    kept = x.copy()
    spectrum = fft.rfft(x, axis=axis, backend=backend, workers=2)
    expected = np.fft.rfft(x.astype(np.float64), axis=axis)
    np.testing.assert_allclose(spectrum, expected, atol=2e-5)
    assert spectrum.dtype == np.complex64
    before = spectrum.copy()
    back = fft.irfft(
        spectrum, shape[axis], axis=axis, backend=backend, overwrite=overwrite
    )
    np.testing.assert_allclose(back, x, atol=2e-6)
    np.testing.assert_array_equal(x, kept)
    assert back.dtype == np.float32
    if not overwrite:
        np.testing.assert_array_equal(spectrum, before)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("overwrite", [False, True])
def test_over_two_axes(backend: str, shape: tuple[int, ...], overwrite: bool) -> None:
    x = random(shape)
    spectrum = fft.rfft2(x, backend=backend)
    np.testing.assert_allclose(spectrum, np.fft.rfft2(x.astype(float)), atol=5e-5)
    before = spectrum.copy()
    rows, columns = shape[-2:]
    back = fft.irfft2(spectrum, (rows, columns), backend=backend, overwrite=overwrite)
    np.testing.assert_allclose(back, x, atol=2e-6)
    if not overwrite:
        np.testing.assert_array_equal(spectrum, before)


@pytest.mark.parametrize("backend", BACKENDS)
def test_views_that_are_neither_contiguous_nor_aligned(backend: str) -> None:
    x = random((2, 21, 33))[:, 1::2, 3:]
    spectrum = fft.rfft2(x, backend=backend)
    np.testing.assert_allclose(spectrum, np.fft.rfft2(x.astype(float)), atol=5e-5)
    part = spectrum[:, :, ::1][1:]
    back = fft.irfft2(part, (10, 30), backend=backend)
    np.testing.assert_allclose(back, x[1:], atol=2e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_do_not_disturb_each_other(backend: str) -> None:
    stacks = [random((2, 24, 40), seed) for seed in range(64)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda x: fft.rfft2(x, backend=backend), stacks))
    for x, spectrum in zip(stacks, found, strict=True):
        np.testing.assert_allclose(spectrum, np.fft.rfft2(x.astype(float)), atol=5e-5)


@needs_fftw
def test_a_plan_keeps_no_array_of_the_caller() -> None:
    import weakref  # noqa: PLC0415

    x = random((5, 6, 7))
    gone = weakref.ref(x)
    fft.rfft2(x, backend="fftw")
    del x
    assert gone() is None


@needs_fftw
def test_plans_of_many_shapes_do_not_pile_up() -> None:
    from daiss_bluesky.kernels import fftw  # noqa: PLC0415

    for n in range(1, 2 * fftw._KEPT):
        x = random((n, 3))
        found = fft.rfft(x, backend="fftw")
        np.testing.assert_allclose(found, np.fft.rfft(x.astype(float)), atol=1e-5)
    assert len(fftw._free) == fftw._KEPT


@pytest.mark.parametrize("axis", [0, 1])
def test_cosine_transform_is_that_of_the_mirrored_signal(axis: int) -> None:
    x = random((6, 9))
    found = fft.dct(x, axis=axis)
    twice = np.concatenate([x, np.flip(x, axis)], axis).astype(np.float64)
    k = scipy.fft.fftfreq(twice.shape[axis]) * np.pi
    shape = (-1, 1) if axis == 0 else (1, -1)
    spectrum = np.fft.fft(twice, axis=axis) * np.exp(-1j * k).reshape(shape)
    n = x.shape[axis]
    expected = np.take(spectrum.real, np.arange(n), axis)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(fft.idct(found, axis=axis), x, atol=1e-6)
