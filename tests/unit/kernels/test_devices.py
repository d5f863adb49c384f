import logging
import subprocess
import sys

import pytest

from daiss_bluesky.core.device import gpu_numbers
from daiss_bluesky.kernels.devices import Gpu, Gpus, choose_device, find_gpus

TWO = Gpus((Gpu(0, "Model A", 10**10), Gpu(1, "Model B", 10**10)))
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
