"""A suite for reconstructions whose frames stay on a device."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import calibration_batches, reconstruct_scan
from daiss_bluesky.testing.algorithm_contract import AlgorithmContract, assert_same
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.streaming import begin, feed, feed_projections, rereader

PAGANIN = {"delta_beta": 30.0, "energy_kev": 20.0, "distance_mm": 30.0,
           "pixel_size_um": 2.0}  # fmt: skip

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sharp": {"filter": "sharp", "zingers": False},
    "backprojected": {"method": "backprojection", "filter": "hann"},
    "mean": {"stripes": "mean"},
    "sorting": {"stripes": "sorting"},
    "combined": {"stripes": "combined"},
    "tilted": {"axis_tilt_deg": 0.5},
    "phase": {"phase": PAGANIN},
    "phase and stripes": {"phase": PAGANIN, "stripes": "mean", "axis_tilt_deg": -0.4},
}


class DeviceContract(AlgorithmContract):
    """The contract of tomography, and that a device gives what the CPU gives."""

    keeps_frames = True
    device_tolerance = 2e-5
    """Between device and CPU, relative to the largest value."""
    sorted_tolerance = 2e-5
    """The same where values are sorted, and rounding decides between near ones."""

    def odd_scan(self, **more: Any) -> StoredScan:
        """Give a scan with an odd number of everything, noise, and a dead pixel."""
        stored = make_ball_scan(
            projection_angles_deg(37), rows=21, columns=33, noise_seed=3, **more
        )
        stored.flats[:, 7, 11] = stored.darks[0, 7, 11]
        return stored

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_the_volume_is_the_cpus(self, variant: str) -> None:
        """Whatever the parameters are."""
        stored, given = self.odd_scan(), VARIANTS[variant]
        on_cpu = {"method": "gridding", **given, "device": "cpu"}
        expected = reconstruct_scan(stored, FbpAlgorithm(**on_cpu))
        found = reconstruct_scan(stored, self.make(**given))
        # Rings are subtracted as if the angles were dense, by the CPU alone.
        close = {
            "mean": 0.005,
            "sorting": self.sorted_tolerance,
            "combined": self.sorted_tolerance,
        }.get(given.get("stripes", ""), self.device_tolerance)
        assert_same(found.arrays, expected.arrays, close)
        projection = found.views["projection"]
        right = expected.views["projection"]
        np.testing.assert_allclose(
            projection, right, atol=self.device_tolerance * np.abs(right).max()
        )

    @pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
    def test_cameras_of_any_type_do(self, dtype: str) -> None:
        """Counts are what they are, whatever they are kept in."""
        stored = self.odd_scan()
        per_count = 200 if dtype == "uint8" else 1
        for name in ("projections", "flats", "darks", "pair"):
            frames = getattr(stored, name) // per_count
            object.__setattr__(stored, name, frames.astype(dtype))
        on_cpu = FbpAlgorithm(method="gridding", device="cpu")
        expected = reconstruct_scan(stored, on_cpu).arrays
        found = reconstruct_scan(stored, self.make())
        assert_same(found.arrays, expected, self.device_tolerance)

    def test_half_acquisition_is_the_cpus(self) -> None:
        """Slices become wider there too."""
        stored = make_ball_scan(
            projection_angles_deg(72, range_deg=360.0), columns=41, center_px=9.3
        )
        given = {"half_acquisition": True, "center_px": 9.3}
        on_cpu = FbpAlgorithm(method="gridding", device="cpu", **given)
        expected = reconstruct_scan(stored, on_cpu).arrays
        found = reconstruct_scan(stored, self.make(**given))
        assert found.arrays["volume"].shape[2] > stored.frame_shape[1]
        assert_same(found.arrays, expected, self.device_tolerance)

    @pytest.mark.parametrize("stripes", ["none", "mean"])
    def test_live_slices_are_those_of_backprojection(self, stripes: str) -> None:
        """In mid-scan, about another center, and at another place."""
        stored = self.odd_scan()
        given: dict[str, Any] = {"method": "backprojection", "stripes": stripes}
        cpu = begin(FbpAlgorithm(device="cpu", **given), stored)
        mine = begin(self.make(**given), stored)
        for one in (cpu, mine):
            feed_projections(one, stored, np.arange(0, 20))
            one.views()
            feed_projections(one, stored, np.arange(20, 30))
        self._compare(mine.views(), cpu.views())
        self._compare(mine.slices(3, 9, 21), cpu.slices(3, 9, 21))
        for one in (cpu, mine):
            one.look_at(5, 12, 13)
            one.set_center(14.5)
        assert cpu.stale()
        cpu.restart()
        feed_projections(cpu, stored, np.arange(30))
        assert mine.stale() is None
        self._compare(mine.views(), cpu.views())

    def _compare(self, found: Any, expected: Any) -> None:
        assert set(found) == set(expected)
        for name, picture in expected.items():
            close = 1e-4 * np.abs(picture).max()
            np.testing.assert_allclose(found[name], picture, atol=close, err_msg=name)

    def test_more_frames_than_were_planned_are_taken(self) -> None:
        """Also in slices, and in those at another place."""
        stored = self.odd_scan()
        counts = stored.scan.counts | {"projection": 30}
        scan = stored.scan.model_copy(update={"angles_deg": None, "counts": counts})
        stored = dataclasses.replace(stored, scan=scan)
        cpu = begin(FbpAlgorithm(device="cpu", method="backprojection"), stored)
        mine = begin(self.make(), stored)
        for one in (cpu, mine):
            feed_projections(one, stored)
        for place in ((10, 16, 16), (4, 9, 20)):
            self._compare(mine.slices(*place), cpu.slices(*place))
        gridded = FbpAlgorithm(device="cpu", method="gridding")
        expected = reconstruct_scan(stored, gridded).arrays
        assert_same(mine.finish(rereader(stored)), expected, self.device_tolerance)

    def test_flats_that_come_late_change_all_there_is(self) -> None:
        """Slices at once, and the volume; nothing is read again."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        darks, flats, *others = calibration_batches(stored)
        first = flats.select(np.arange(3))
        feed(reconstruction, [darks, first, *others])
        feed_projections(reconstruction, stored)
        before = reconstruction.views()["slice_xy"]
        feed(reconstruction, [flats])
        after = reconstruction.views()["slice_xy"]
        assert np.abs(after - before).max() > 0.01 * np.abs(after).max()
        assert reconstruction.stale() is None
        assert_same(reconstruction.finish(rereader(stored)), expected)

    def test_progress_says_what_lies_where(self) -> None:
        """Frames while the scan runs, nothing at its end."""
        stored = self.stored()
        reconstruction = begin(self.make(), stored)
        feed_projections(reconstruction, stored)
        parameters = reconstruction.progress().parameters
        assert "frames" in " ".join(parameters["arrays"])
        device = parameters["device"].split(", ")[0]
        assert device in " ".join(parameters["arrays"].values())
        reconstruction.finish(rereader(stored))
        assert not reconstruction.progress().parameters["arrays"]
