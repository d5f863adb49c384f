"""Sinograms and opposite projections from the catalog, against numpy."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.sources import raw_projections as module
from daiss_bluesky.viewers.sources.raw_projections import RawProjections
from daiss_bluesky.viewers.sources.tiled_reader import Array

N, ROWS, COLUMNS = 12, 4, 6
ANGLES_DEG = np.array([0, 60, 120, 30, 90, 150, 180, 240, 300, 210, 270, 330.0])


class _Http:
    uri = "http://nowhere"

    def __init__(self, catalog: "_Catalog") -> None:
        self._catalog = catalog

    def get(self, path: str) -> dict[str, Any] | None:
        if path != "raw/run":
            return None
        return {"metadata": {"start": self._catalog.start}}

    def read_column(self, path: str, column: str) -> list[float]:
        assert (path, column) == ("raw/run/primary/internal", "rotation")
        return list(self._catalog.angles_deg)


class _Catalog:
    """Stands in for a TiledReader, with arrays in memory."""

    def __init__(self, between: tuple[int, ...] = ()) -> None:
        rng = np.random.default_rng(5)
        self.angles_deg = ANGLES_DEG
        self.start: dict[str, Any] = {
            "tomography": {"rotation_key": "rotation", "image_key": "camera_image"}
        }
        self.frames = {
            "dark": rng.integers(90, 110, (3, ROWS, COLUMNS), np.uint16),
            "flat": rng.integers(9000, 9999, (5, ROWS, COLUMNS), np.uint16),
            "primary": rng.integers(2000, 8000, (N, ROWS, COLUMNS), np.uint16),
        }
        self._between = between
        self.http = _Http(self)

    def _stored(self, stream: str) -> NDArray[Any]:
        frames = self.frames[stream]
        return frames.reshape(len(frames), *self._between, *frames.shape[1:])

    def children(self, path: str) -> dict[str, Any]:
        del path
        table = {"structure_family": "table", "structure": {"columns": ["rotation"]}}
        return {"internal": table}

    def arrays(self, path: str) -> dict[str, Array]:
        stream = path.rsplit("/", maxsplit=1)[-1]
        if stream not in self.frames:
            return {}
        found = self._stored(stream)
        return {
            "rotation": Array((N,), np.dtype("<f8")),
            "camera_image": Array(found.shape, found.dtype),
        }

    def read(self, path: str, known: Array, where: Any = ()) -> NDArray[Any]:
        del known
        found: NDArray[Any] = self._stored(path.split("/")[-2])[tuple(where)].copy()
        return found


def _expected(catalog: _Catalog) -> NDArray[np.float64]:
    dark = catalog.frames["dark"].mean(axis=0)
    flat = catalog.frames["flat"].mean(axis=0)
    light = (catalog.frames["primary"] - dark) / (flat - dark)
    return np.asarray(-np.log(light), np.float64)


def _projections(catalog: _Catalog) -> RawProjections:
    return RawProjections(catalog, "run")  # type: ignore[arg-type]


@pytest.mark.parametrize("between", [(), (1,)])
def test_a_sinogram_by_ascending_angle(between: tuple[int, ...]) -> None:
    catalog = _Catalog(between)
    found = _projections(catalog).sinogram(2)
    order = np.argsort(ANGLES_DEG)
    np.testing.assert_allclose(
        found.attenuation, _expected(catalog)[order, 2], rtol=1e-5
    )
    assert found.angles_deg.tolist() == sorted(ANGLES_DEG)
    assert found.every == 1


def test_of_many_angles_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANGLES", 5)
    found = _projections(_Catalog()).sinogram(0)
    assert (found.every, found.attenuation.shape) == (3, (4, COLUMNS))
    assert found.angles_deg.tolist() == [0.0, 30.0, 180.0, 210.0]


def test_projections_half_a_turn_apart() -> None:
    catalog = _Catalog()
    first, second, angle_deg = _projections(catalog).opposite()
    expected = _expected(catalog)
    np.testing.assert_allclose(first, expected[0], rtol=1e-5)
    np.testing.assert_allclose(second, expected[6], rtol=1e-5)
    assert angle_deg == 0.0


def test_the_plan_s_own_pair_goes_first() -> None:
    catalog = _Catalog()
    catalog.frames["pair"] = catalog.frames["primary"][3:5]
    first, second, _ = _projections(catalog).opposite()
    expected = _expected(catalog)
    np.testing.assert_allclose(first, expected[3], rtol=1e-5)
    np.testing.assert_allclose(second, expected[4], rtol=1e-5)


def test_without_flats_raw_counts_are_shown() -> None:
    catalog = _Catalog()
    del catalog.frames["flat"]
    found = _projections(catalog).sinogram(1)
    order = np.argsort(ANGLES_DEG)
    np.testing.assert_array_equal(
        found.attenuation, catalog.frames["primary"][order, 1]
    )


def test_planned_angles_stand_in() -> None:
    catalog = _Catalog()
    catalog.start = {"tomography": {"angles_deg": (2 * ANGLES_DEG).tolist()}}
    found = _projections(catalog).sinogram(1)
    assert found.angles_deg.tolist() == sorted(2 * ANGLES_DEG)


def test_refusals() -> None:
    catalog = _Catalog()
    with pytest.raises(InputError, match="row 4: the detector has rows 0 to 3"):
        _projections(catalog).sinogram(4)
    with pytest.raises(InputError, match="there is no run 'other'"):
        RawProjections(catalog, "other")  # type: ignore[arg-type]
    catalog.angles_deg = ANGLES_DEG / 4
    with pytest.raises(InputError, match="half a turn apart"):
        _projections(catalog).opposite()
    catalog.start = {}
    with pytest.raises(InputError, match="no angles"):
        _projections(catalog).sinogram(0)
    catalog.frames.clear()
    with pytest.raises(InputError, match="no projection in the catalog"):
        _projections(catalog).sinogram(0)
