"""A beamline file names every PV, and says what is wrong with it."""

from pathlib import Path

import pytest
import yaml

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.resources import resource
from daiss_devices.beamline_file import read_beamline

TWIN = resource("profiles/twin.yml")


def test_prefix_and_data_root_are_put_into_every_pv_and_path() -> None:
    file = read_beamline(TWIN, {"prefix": "BL7:", "data_root": "/data"})
    assert file.rotation.pv == "BL7:rot"
    assert file.shutter.readback == "BL7:shutter_RBV"
    assert file.camera.pv == "BL7:"
    assert file.camera.write_path_template == "/data/%Y/%m/%d"


def test_ioc_and_clients_may_name_a_directory_differently(tmp_path: Path) -> None:
    values = yaml.safe_load(TWIN.read_text())
    values["camera"] |= {
        "write_path_template": "Z:/%Y",
        "read_path_template": "{data_root}/%Y",
        "path_semantics": "windows",
    }
    path = tmp_path / "own.yml"
    path.write_text(yaml.safe_dump(values))
    camera = read_beamline(path, {"data_root": "/mnt"}).camera
    assert camera.write_path_template == "Z:/%Y"
    assert camera.read_path_template == "/mnt/%Y"


def test_a_dotted_override_replaces_a_key_of_a_section() -> None:
    plain = read_beamline(TWIN, {}).ptychography
    file = read_beamline(TWIN, {"ptychography.energy_kev": 12.0, "prefix": "BL7:"})
    assert plain is not None
    assert file.ptychography is not None
    assert file.ptychography.energy_kev == 12.0
    assert file.ptychography.distance_mm == plain.distance_mm
    assert file.ptychography.piezo_y.pv == "BL7:piezo_y"


def test_a_section_that_is_not_there_has_no_keys_to_replace(tmp_path: Path) -> None:
    values = yaml.safe_load(TWIN.read_text())
    del values["ptychography"]
    path = tmp_path / "tomography.yml"
    path.write_text(yaml.safe_dump(values))
    assert read_beamline(path, {"ptychography.energy_kev": 12.0}).ptychography is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"rotaton": {"pv": "x"}}, "unknown key 'rotaton'", id="typo"),
        pytest.param({"shutter": {"pv": "x"}}, "needs 'shutter.readback'", id="less"),
        pytest.param({"out_mm": "far"}, "out_mm = 'far'", id="not-a-number"),
        pytest.param({"x": {"pv": "{bl}x"}}, "'{bl}x'", id="unknown-place"),
        pytest.param({"x": {"pv": ""}}, "x.pv = ''", id="empty-pv"),
        pytest.param(
            {"ptychography.distance_mm": 0}, "distance_mm = 0", id="no-distance"
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        read_beamline(TWIN, change)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_not_yaml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no beamline file"):
        read_beamline(tmp_path / "none.yml", {})
    bad = tmp_path / "bad.yml"
    bad.write_text("a: [")
    with pytest.raises(InputError, match="is not YAML"):
        read_beamline(bad, {})
    bad.write_text("just text")
    with pytest.raises(InputError, match="has no keys"):
        read_beamline(bad, {})


def test_a_beamline_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_beamline(tmp_path, {})
