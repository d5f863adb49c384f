import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels.correction import Fields, attenuation, transmission
from daiss_bluesky.kernels.logarithm import negative_log


@pytest.mark.parametrize(
    "numbers",
    [
        np.geomspace(1e-5, 1e3, 300_001),
        1 + np.linspace(-1e-2, 1e-2, 100_001),
        np.array([1e-37, 3e38, 0.5, 2.0, 2**-0.5, 2**0.5]),
    ],
    ids=["working range", "about one", "far out"],
)
def test_it_is_the_logarithm_to_a_millionth(numbers: NDArray[np.float64]) -> None:
    x = numbers.astype(np.float32)
    found, room = np.empty_like(x), np.empty_like(x)
    negative_log(x.view(np.int32), room, found)
    np.testing.assert_allclose(found, -np.log(x.astype(np.float64)), rtol=4e-7)


def test_one_is_nothing_and_infinity_stays_finite() -> None:
    x = np.array([1.0, np.inf], np.float32)
    found, room = np.empty_like(x), np.empty_like(x)
    negative_log(x.view(np.int32), room, found)
    assert found[0] == 0.0
    assert found[1] == pytest.approx(-128 * np.log(2))


def test_bands_of_rows_do_not_show() -> None:
    rng = np.random.default_rng(8)
    rows, columns = 100, 20
    gains = rng.uniform(900, 1100, (1, rows, columns)).astype(np.float32)
    dead = np.zeros((3, 9), np.int32) - 1
    # A dead pixel of the second band stands on good ones of the first.
    dead[:, 0] = 5, 33 * columns + 7, 64 * columns
    dead[1, 1:3] = 30 * columns + 7, 36 * columns + 7
    dead[2, 1] = 63 * columns
    fields = Fields(np.zeros((rows, columns), np.float32), gains, np.zeros(1), dead)
    raw = rng.uniform(300, 310, (2, rows, columns)).astype(np.float32)
    raw[0, 31:97:32, 3] = raw[1, 32:97:32, 4] = 2000.0
    t = transmission(raw, np.zeros(2), fields, 0.05)
    p = attenuation(raw, np.zeros(2), fields, 0.05)
    np.testing.assert_allclose(p, -np.log(t), rtol=1e-6)
    plain = raw / gains
    assert (t[0, 31:97:32, 3] < 0.4).all()
    assert (t[1, 32:97:32, 4] < 0.4).all()
    assert t[0, 0, 5] == 1.0
    np.testing.assert_allclose(
        t[:, 33, 7], (plain[:, 30, 7] + plain[:, 36, 7]) / 2, rtol=1e-6
    )
    np.testing.assert_allclose(t[:, 64, 0], plain[:, 63, 0], rtol=1e-6)
