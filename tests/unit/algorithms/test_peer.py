"""Another program's volume from our corrections and our center."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.backends import registry
from daiss_bluesky.algorithms.backends.registry import Backend
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.peer import PeerAlgorithm
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.ball_scan import make_ball_scan

SCAN = make_ball_scan(projection_angles_deg(90), rows=5, columns=65, center_px=33.7)


def test_the_peer_gets_corrected_line_integrals_and_our_center(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[Any, ...]] = []

    def stand_in(p: Any, angles_rad: Any, center_px: float, iterations: int) -> Any:
        seen.append((p, angles_rad, center_px, iterations))
        return np.zeros((p.shape[1], p.shape[2], p.shape[2]), np.float32)

    backend = Backend("mine:sirt", "numpy", "pip install numpy", iterations=7)
    monkeypatch.setitem(registry.BACKENDS, backend.name, backend)
    monkeypatch.setattr(
        "daiss_bluesky.algorithms.peer.load_peer", lambda found: stand_in
    )
    final = reconstruct_scan(SCAN, PeerAlgorithm("mine:sirt"))
    ((p, angles_rad, center_px, iterations),) = seen
    assert p.dtype == np.float32
    assert p.shape == (90, 5, 65)
    np.testing.assert_array_equal(angles_rad, SCAN.angles_rad)
    assert center_px == pytest.approx(33.7, abs=0.05)
    assert iterations == 7
    assert final.progress.parameters["backend"] == "mine:sirt"
    assert final.progress.parameters["iterations"] == 7
    assert final.status == "complete"


def test_every_peer_here_agrees_with_our_volume() -> None:
    ours = reconstruct_scan(SCAN, FbpAlgorithm()).arrays["volume"]
    here = [one for one in registry.BACKENDS.values() if one.is_importable]
    if not here:
        pytest.skip("neither astra nor algotom nor tomopy is installed")
    for backend in here:
        final = reconstruct_scan(SCAN, PeerAlgorithm(backend.name))
        away = final.arrays["volume"] - ours
        offset = np.arange(65) - 32
        inside = offset[:, None] ** 2 + offset**2 <= 30**2
        off = np.sqrt(np.mean(away[:, inside] ** 2) / np.mean(ours[:, inside] ** 2))
        assert off < 0.1, backend.name


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="unknown backend 'astra:art'"):
        PeerAlgorithm("astra:art")
    with pytest.raises(InputError, match="astra:fbp does not iterate"):
        PeerAlgorithm("astra:fbp", iterations=3)
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"needs astra.*pip install astra"):
        PeerAlgorithm("astra:fbp")


def test_memory_grows_with_the_data() -> None:
    backend = next((b for b in registry.BACKENDS.values() if b.is_importable), None)
    if backend is None:
        pytest.skip("neither astra nor algotom nor tomopy is installed")
    algorithm = PeerAlgorithm(backend.name)
    less, more = (
        algorithm.memory_bytes(
            Scan(run_uid="x", counts={"projection": n_angles}), (64, 64)
        )
        for n_angles in (90, 180)
    )
    assert more - less >= 2 * 90 * 64 * 64 * 4
