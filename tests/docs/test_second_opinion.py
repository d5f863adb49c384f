"""The page on second opinions does what it says, where astra-toolbox is installed."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.cli.main import main
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.testing.ball_scan import make_ball_scan
from tests.docs.pages import blocks

PAGE = "docs/how-to/second-opinion.md"


@pytest.mark.skipif(find_spec("astra") is None, reason="astra-toolbox is missing")
def test_two_volumes_are_made_and_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = make_ball_scan(projection_angles_deg(90), rows=6, columns=65)
    monkeypatch.chdir(tmp_path)
    np.savez(
        "scan.npz",
        proj=stored.projections,
        flat=stored.flats[:3],
        dark=stored.darks,
        theta_deg=np.rad2deg(stored.angles_rad),
    )
    (shell,) = blocks("sh", page=PAGE)
    for line in shell.text.splitlines():
        monkeypatch.setattr(sys, "argv", line.split())
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    (compare,) = blocks("python", page=PAGE)
    capsys.readouterr()
    exec(compile(compare.text, PAGE, "exec"), {})
    said = re.fullmatch(r"the volumes differ by (\d\.\d+)\n", capsys.readouterr().out)
    assert said is not None
    assert 0.01 < float(said[1]) < 0.06
