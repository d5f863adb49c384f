import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels import reference_frame_moments as reference
from daiss_bluesky.kernels.frame_moments import frame_moments


@pytest.mark.parametrize("shape", [(7, 8, 8), (3, 9, 14), (1, 1, 5), (5, 31, 2)])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_compiled_moments_are_those_of_the_definition(
    shape: tuple[int, int, int], dtype: type[np.generic]
) -> None:
    rng = np.random.default_rng(1)
    frames = rng.poisson(4.0, shape).astype(dtype)
    frames[0] = 0
    bad = rng.uniform(size=shape[1:]) < 0.2
    for mask in (None, bad):
        found = frame_moments(frames, mask)
        expected = reference.frame_moments(frames, mask)
        np.testing.assert_allclose(found.total, expected.total, rtol=1e-12)
        np.testing.assert_allclose(found.center_px, expected.center_px, atol=1e-12)
        assert np.isnan(found.center_px[0]).all()


def test_frames_full_to_the_brim_do_not_overflow() -> None:
    frames = np.full((2, 300, 300), 65535, np.uint16)
    found = frame_moments(frames)
    assert found.total[0] == 65535 * 300 * 300
    np.testing.assert_allclose(found.center_px, -0.5)


def test_a_ramp_of_the_object_moves_the_frame_as_far_as_it_should() -> None:
    # Two turns down and minus three across, over 32 rows and 48 columns.
    shape = (32, 48)
    y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    spot = np.exp(-((y - 16) ** 2 + (x - 24) ** 2) / 30)
    slopes = np.array([2 * 2 * np.pi / 32, -3 * 2 * np.pi / 48])
    wave = spot * np.exp(1j * (slopes[0] * y + slopes[1] * x))
    frame = np.abs(np.fft.fftshift(np.fft.fft2(wave))) ** 2
    found = frame_moments(frame[None])
    np.testing.assert_allclose(found.center_px[0], [2.0, -3.0], atol=1e-6)


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(8, 8\), expected \(frame"):
        frame_moments(np.zeros((8, 8)))
    with pytest.raises(InputError, match=r"mask has shape \(4, 4\)"):
        frame_moments(np.zeros((2, 8, 8)), np.zeros((4, 4), bool))
