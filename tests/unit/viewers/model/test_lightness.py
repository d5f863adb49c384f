"""The view model needs no toolkit, and is imported without anything heavy."""

import subprocess
import sys

HEAVY = {
    "qtpy", "PyQt5", "PySide6", "pyqtgraph", "p4p", "tiled", "bluesky", "pyarrow",
    "numba", "scipy", "zarr", "h5py", "zmq", "matplotlib",
}  # fmt: skip

CODE = "import sys, daiss_bluesky.viewers.model.model; print(*sys.modules)"


def test_nothing_heavy_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(done.stdout.split()) == set()
