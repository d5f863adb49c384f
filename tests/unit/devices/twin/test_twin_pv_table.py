"""The frozen table is what the client classes ask for."""

import subprocess
import sys

from daiss_devices.twin.pv_table import PATH, area_detector_pvs, motor_fields


def test_table_is_what_its_generator_writes() -> None:
    """In a process of its own: the generator imports every client."""
    code = (
        "from daiss_devices.twin.generate_pv_table import document, one_line_a_pv;"
        "import sys; sys.stdout.write(one_line_a_pv(document()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == PATH.read_text(encoding="utf-8")


def test_every_enum_has_choices_a_client_can_tell_apart() -> None:
    for name, spec in (area_detector_pvs() | motor_fields()).items():
        if spec.kind == "enum":
            assert 2 <= len(set(spec.choices)) == len(spec.choices) <= 16, name
            assert all(len(choice) < 26 for choice in spec.choices), name


def test_starting_needs_no_client_library() -> None:
    code = (
        "import sys; import daiss_devices.twin.server;"
        "heavy = {'ophyd', 'ophyd_async', 'bluesky', 'epics', 'numba', 'pydantic',"
        " 'scipy', 'tiled'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
