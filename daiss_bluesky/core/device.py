"""Where to compute, as a pipeline file says: auto, cpu, cuda:N, or several GPUs."""

import re
from typing import Annotated

from pydantic import AfterValidator

_GPUS = re.compile(r"cuda:(\d+(?:,\d+)*)")


def gpu_numbers(device: str) -> tuple[int, ...]:
    """Give the GPUs a device names, none for auto and cpu; refuses anything else."""
    if device in {"auto", "cpu"}:
        return ()
    found = _GPUS.fullmatch(device)
    numbers = tuple(int(n) for n in found.group(1).split(",")) if found else ()
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError("auto, cpu, cuda:N or, for several GPUs, cuda:N,M is expected")
    return numbers


def _checked(device: str) -> str:
    gpu_numbers(device)
    return device


AskedDevice = Annotated[str, AfterValidator(_checked)]
"""auto: a GPU where there is one; cuda:0,1: these, each with a part of the rows."""
