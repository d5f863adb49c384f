"""What is improved can be switched while the scan runs, and until the last pass."""

from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.algorithms.ptychography.reconstruction import (
    PtychographyReconstruction,
)
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import (
    AdjustableReconstruction,
    SwitchableReconstruction,
)
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import sample_batches
from daiss_bluesky.services.control import Asked
from daiss_bluesky.services.control_requests import make_handlers
from daiss_bluesky.services.run_wishes import RunWishes
from tests.unit.algorithms.ptychography.star_scan import star_scan

HALF = 36


@pytest.fixture(scope="module")
def stored() -> StoredDiffraction:
    return star_scan(48)


def begun(stored: StoredDiffraction, **parameters: Any) -> PtychographyReconstruction:
    """A scan half of whose frames have come."""
    algorithm = RpieAlgorithm(passes=5, modes=2, hold_probe_frames=0, **parameters)
    one = algorithm.start(stored.scan, stored.frame_shape)
    feed(one, stored, 0, HALF)
    return one


def feed(
    one: PtychographyReconstruction, stored: StoredDiffraction, first: int, last: int
) -> None:
    for batch in sample_batches(stored, np.arange(first, last)):
        one.add(batch)


def unread(keys: Any) -> Any:
    return iter(())


def test_a_held_probe_stays_and_the_object_improves(stored: StoredDiffraction) -> None:
    one = begun(stored)
    one.set_updates(update_probe=False, refine_positions=False)
    probe, phase = one.views()["probe"], one.views()["object_phase"]
    feed(one, stored, HALF, len(stored.times_s))
    np.testing.assert_array_equal(one.views()["probe"], probe)
    assert np.abs(one.views()["object_phase"] - phase).max() > 0.1
    final = one.finish(unread)
    assert len(final["probe"]) == 1
    np.testing.assert_allclose(np.abs(final["probe"][0]), probe, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(final["positions_um"], stored.positions_um, atol=1e-9)


def test_positions_and_modes_come_back_when_switched_on(
    stored: StoredDiffraction,
) -> None:
    one = begun(stored, update_probe=False, refine_positions=False)
    one.set_updates(update_probe=True, refine_positions=True)
    final = one.finish(unread)
    assert len(final["probe"]) == 2
    assert np.abs(final["positions_um"] - stored.positions_um[:HALF]).max() > 1e-6


def test_a_switch_counts_from_the_next_pass(stored: StoredDiffraction) -> None:
    one = begun(stored)
    seen: list[Any] = []

    def after_a_pass() -> None:
        one.set_updates(update_object=False)
        seen.append(one.views()["object_amplitude"])

    one.finish(unread, after_a_pass)
    assert len(seen) == one.progress().step > 5
    # A probe that changes lights other pixels at the edge.
    lit = (seen[0] > 0) & (seen[-1] > 0)
    np.testing.assert_array_equal(seen[0][lit], seen[-1][lit])
    assert one.progress().parameters["update_object"] is False


class Told:
    """A run that answers at once."""

    def __init__(self, one: PtychographyReconstruction) -> None:
        self._one = one
        self.wishes = RunWishes()

    def ask(self, question: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(question(self._one))
        return future


def test_a_request_switches_one_and_leaves_the_others(
    stored: StoredDiffraction,
) -> None:
    one = begun(stored)
    assert isinstance(one, SwitchableReconstruction)
    run: Any = Told(one)
    handlers = make_handlers(lambda of: run, lambda asked, parameters: "")
    asked = Asked(None, "jane@hutch")
    update, look = handlers["update"].function, handlers["look"].function
    update(asked, update_probe=False, refine_positions=None)
    known = one.progress().parameters
    assert [known[name] for name in ("update_probe", "refine_positions")] == [
        False,
        True,
    ]
    with pytest.raises(InputError, match="no slices and no center"):
        look(asked, z=1, y=1, x=1)


def test_parameters_that_can_change_in_mid_scan_do(stored: StoredDiffraction) -> None:
    one = begun(stored)
    assert isinstance(one, AdjustableReconstruction)
    one.set_parameters({"alpha": 0.1, "update_probe": False})
    in_force = one.progress().parameters
    assert (in_force["alpha"], in_force["update_probe"]) == (0.1, False)
    with pytest.raises(InputError, match="modes cannot change in mid-scan"):
        one.set_parameters({"modes": 2})
    with pytest.raises(InputError, match="alpha = 3"):
        one.set_parameters({"alpha": 3})
    assert one.progress().parameters["alpha"] == 0.1
