import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from daiss_bluesky.core.device import gpu_numbers
from daiss_bluesky.kernels.devices import Gpu, Gpus, _ask, choose_device, find_gpus

TWO = Gpus((Gpu(0, "Model A", 10**10, (9, 0)), Gpu(1, "Model B", 10**10, (8, 0))))
OLD = Gpu(0, "Model O", 10**10, (7, 5))
NONE = Gpus((), "this machine has no CUDA driver")


@pytest.mark.parametrize(
    ("asked", "numbers"), [("auto", [0]), ("cuda:1", [1]), ("cuda:1,0", [1, 0])]
)
def test_gpus_are_chosen_by_value(asked: str, numbers: list[int]) -> None:
    chosen = choose_device(asked, TWO)
    assert [gpu.number for gpu in chosen.gpus] == numbers
    assert "Model" in str(chosen)


def test_the_cpu_is_chosen_without_looking_for_gpus() -> None:
    chosen = choose_device("cpu", TWO)
    assert chosen.gpus == ()
    assert str(chosen) == "cpu"


def test_a_gpu_that_is_not_there_becomes_the_cpu_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            chosen = choose_device("cuda:7", TWO)
        absent = choose_device("auto", NONE)
    assert chosen.gpus == absent.gpus == ()
    warned = [r.message for r in caplog.records if r.levelno == logging.WARNING]
    assert warned == [
        "device cuda:7 becomes the CPU: there is no cuda:7 (known: cuda:0, cuda:1)"
    ]
    assert absent.reason == "the CPU: this machine has no CUDA driver"


def test_a_gpu_that_kernels_do_not_run_on_is_not_taken() -> None:
    mixed = Gpus((OLD, TWO.found[1]))
    assert [gpu.number for gpu in choose_device("auto", mixed).gpus] == [1]
    for asked in ("auto", "cuda:0"):
        chosen = choose_device(asked, Gpus((OLD,)))
        assert chosen.gpus == ()
        assert "has compute capability 7.5, kernels need 8.0" in chosen.reason
    assert not Gpu(0, "Model N", 10**10, (10, 0)).is_too_old


@pytest.mark.parametrize("missing", ["nvrtc", "cufft", "cublas", None])
def test_libraries_that_cupy_looks_for_late_are_looked_for_at_once(
    missing: str | None,
) -> None:
    class Runtime:
        CUDARuntimeError = ValueError

        def getDeviceCount(self) -> int:  # noqa: N802 - CuPy's
            return 1

        def getDeviceProperties(self, _: int) -> dict[str, Any]:  # noqa: N802
            return {"name": b"A", "totalGlobalMem": 1, "major": 9, "minor": 0}

    class Cuda:
        runtime = Runtime()

        def __getattr__(self, name: str) -> Any:
            if name == missing:
                raise ImportError(f"lib{name}.so:\n no such file")
            return SimpleNamespace(getVersion=lambda: (12, 9))

    found = _ask(SimpleNamespace(cuda=Cuda()))
    if missing is None:
        assert found.found[0].capability == (9, 0)
    else:
        assert found.found == ()
        assert found.why_none is not None
        assert f"lib{missing}.so: no such file" in found.why_none


@pytest.mark.parametrize("wrong", ["gpu", "cuda", "cuda:", "cuda:-1", "cuda:0,0", ""])
def test_other_names_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="cuda:N"):
        gpu_numbers(wrong)


def test_what_is_found_can_be_used_or_says_why_not() -> None:
    gpus = find_gpus()
    assert bool(gpus.found) != bool(gpus.why_none)


def test_nothing_is_probed_at_import() -> None:
    program = (
        "import sys; import daiss_bluesky.algorithms.fbp;"
        "from daiss_bluesky.kernels.devices import find_gpus;"
        "assert 'cupy' not in sys.modules;"
        "assert find_gpus.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
