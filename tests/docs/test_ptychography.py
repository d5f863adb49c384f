"""The page on ptychography, done as it says, on a small simulated beamline."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from daiss_bluesky.readers import close, open_diffraction
from tests.conftest import wait_until
from tests.docs.pages import blocks
from tests.docs.test_tutorial import DAISS, Beamline

pytestmark = pytest.mark.system

PAGE = "docs/how-to/scan-ptychography.md"


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    """The services of the page."""
    root = tmp_path_factory.mktemp("ptychography")
    beamline = Beamline(root / "state", root)
    [pipeline] = blocks("yaml", page=PAGE)
    (root / "pipeline.yml").write_text(pipeline.text)
    beamline.up("--ptychography", "--pipeline", str(root / "pipeline.yml"))
    yield beamline
    beamline.daiss("down")


def test_the_page_does_what_it_says(beamline: Beamline) -> None:
    scan, look = (block.text for block in blocks("python", page=PAGE))
    [switch] = blocks("ipython", page=PAGE)
    shorter = scan.replace("(0.4, 6,", "(0.4, 2.6,")
    assert shorter != scan
    prompt = beamline.run(DAISS, "shell", typed=shorter + switch.text)
    # The scan may have ended by then, which is said in one sentence.
    assert "probe: off" in prompt or "error: " in prompt
    assert "Traceback" not in prompt
    found: list[dict[str, Any]] = []

    def ended() -> bool:
        found[:] = beamline.daiss("status")["results"]
        return bool(found) and found[0]["status"] == "complete"

    wait_until(ended, "the reconstruction")
    said = beamline.python(look)
    assert "complete" in said
    assert re.search(r"phase \(\d+, \d+\)", said)
    answer = beamline.daiss("export", "last", "star.cxi")
    assert answer["frames"] == found[0]["frames"]["used"]
    exported = open_diffraction(beamline.work / "star.cxi")
    assert len(exported.positions_um) == answer["frames"] > 32
    close(exported)
    assert list((beamline.state / "probes").iterdir())
    again = ("reconstruct", "star.cxi", "--pipeline", "pipeline.yml")
    output = beamline.daiss(*again, "--output", "again.cxi")
    assert output["status"] == "complete"
    assert output["residual"] < 0.1
