import pytest

from daiss_bluesky.bench import gpu_peers
from daiss_bluesky.kernels.devices import find_gpus


def test_a_peer_that_fails_is_a_row_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> float:
        raise AssertionError("not compiled with CUDA")

    monkeypatch.setattr(gpu_peers, "_torch", fail)
    monkeypatch.setattr(gpu_peers, "_astra", lambda: 32.0)
    monkeypatch.setattr(gpu_peers, "find_spec", lambda _: True)
    told: list[str] = []
    failed, measured = gpu_peers.peer_rows(told.append)
    assert failed["failed"] == "AssertionError: not compiled with CUDA"
    assert measured["s_per_slice"] == 32.0 / gpu_peers.SLICES
    assert told == ["PyTorch grid_sample", "ASTRA FBP_CUDA"]


def test_a_peer_that_is_not_there_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_peers, "find_spec", lambda _: None)
    rows = list(gpu_peers.peer_rows(lambda _: None))
    assert [row["missing"] for row in rows] == ["torch", "astra"]


@pytest.mark.skipif(bool(find_gpus().found), reason="there is a GPU")
def test_a_peer_without_a_device_is_not_taken_for_a_fast_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("astra")
    monkeypatch.setattr(gpu_peers, "SIDE", 32)
    monkeypatch.setattr(gpu_peers, "ANGLES", 20)
    monkeypatch.setattr(gpu_peers, "_torch", lambda: 1.0)
    *_, astra = gpu_peers.peer_rows(lambda _: None)
    assert "failed" in astra
