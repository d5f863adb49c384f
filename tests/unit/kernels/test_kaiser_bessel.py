"""The window, its transform and its table agree with each other."""

import numpy as np

from daiss_bluesky.kernels.kaiser_bessel import (
    STEPS,
    WIDTH,
    shape_parameter,
    table,
    window,
    window_transform,
)

BETA = shape_parameter(1.25)


def test_the_transform_is_the_integral() -> None:
    step = WIDTH / 20_000
    x = np.linspace(-0.9, 0.9, 37)
    # Midpoints, since the window ends with a step.
    middle = (np.arange(20_000.0) + 0.5) * step - WIDTH / 2
    waves = np.cos(2 * np.pi * np.outer(x, middle))
    right = waves @ window(middle, BETA) * step
    np.testing.assert_allclose(window_transform(x, BETA), right, atol=1e-6)


def test_the_table_is_the_window_between_grid_points() -> None:
    found = table(BETA)
    assert found.shape == (STEPS + 2, WIDTH)
    fraction = 77 / STEPS
    points = np.arange(float(WIDTH)) - (WIDTH // 2 - 1)
    right = np.asarray(window(points - fraction, BETA))
    np.testing.assert_allclose(found[77], right, rtol=1e-6)
    assert found[0, -1] == found[STEPS, 0] == 0
    assert window(np.array([0.0, WIDTH / 2, WIDTH]), BETA).tolist() == [1, 0, 0]
