import pytest

from daiss_bluesky.bench.gpu import (
    BATCH,
    CUBE,
    Feed,
    GpuCase,
    _beside,
    bench_gpu,
    live_scan,
    three_planes,
    whole_scan,
)
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.kernels.devices import find_gpus
from daiss_bluesky.testing.on_hosts import OnHosts

TINY = GpuCase("tiny", 3 * BATCH + 1, 20, 33)


def test_everything_is_measured_where_hosts_stand_in_for_gpus() -> None:
    feed = Feed(TINY, OnHosts)
    whole = whole_scan(feed, stripes="sorting")
    assert whole["from_host_s"] >= whole["upload_s"] > 0
    assert whole["resident_s"] > 0
    live = live_scan(feed, looks=1)
    assert live["arrival_gb_per_s"] > 0
    assert set(three_planes(feed, side=12)) == {"new_data_s", "moved_plane_s"}


def test_each_projection_comes_once() -> None:
    batches = list(Feed(TINY).projections())
    numbers = [int(i) for batch in batches for i in batch.indices]
    assert numbers == list(range(TINY.n_angles))
    assert all(len(batch.pixels) == len(batch.angles_rad) for batch in batches)


def test_figures_stand_beside_the_ceilings() -> None:
    limits = {"copy_gb_per_s": 4000.0, "fft_gflop_per_s": 9000.0,
              "upload_gb_per_s": 50.0}  # fmt: skip
    row = {"n_angles": 2048, "rows": 2048, "columns": 2048, "resident_s": 0.5,
           "upload_s": 1.0, "fft_operations": CUBE.fft_operations,
           "least_bytes": CUBE.raw_bytes + CUBE.volume_bytes}  # fmt: skip
    found = _beside(row, limits)
    assert found["of_upload"] == pytest.approx(0.34, abs=0.01)
    assert found["of_bandwidth"] == pytest.approx(0.026, abs=0.001)
    assert 0.2 < found["of_fft"] < 0.4


@pytest.mark.skipif(bool(find_gpus().found), reason="there is a GPU")
def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(UnavailableError, match="no GPU to measure"):
        bench_gpu()
