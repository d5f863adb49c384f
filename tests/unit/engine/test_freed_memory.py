"""What threads have freed goes back to the machine."""

import platform
import subprocess
import sys

import pytest

THREADS, ARRAY_MB = 6, 14

THREADS_THAT_END = f"""
import threading
import numpy as np, psutil
from daiss_bluesky.engine.freed_memory import give_memory_back

array = np.ones(30_000_000, np.uint8)
# Arrays smaller than the largest that was ever freed are kept by glibc from now on.
del array
before = psutil.Process().memory_info().rss
kept = []
barrier = threading.Barrier({THREADS})

def work():
    array = np.ones({ARRAY_MB}_000_000, np.uint8)
    # What lies behind it keeps the array from being the end of its heap.
    kept.append(np.ones(100_000, np.uint8))
    barrier.wait()
    del array

threads = [threading.Thread(target=work) for _ in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
give_memory_back()
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing"
)
def test_arrays_of_threads_that_ended_are_given_back() -> None:
    told = subprocess.run(
        [sys.executable, "-c", THREADS_THAT_END],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(told.stdout) < THREADS * ARRAY_MB * 1e6 / 2
