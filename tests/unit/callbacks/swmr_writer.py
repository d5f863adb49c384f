"""Writes frames as a detector does, one for each line it is sent; run as a process."""

import sys
from pathlib import Path

import h5py
import numpy as np

SHAPE = (16, 24)


def frame(i: int) -> "np.ndarray[tuple[int, int], np.dtype[np.uint16]]":
    return np.full(SHAPE, i + 1, dtype=np.uint16)


def main(path: Path, mode: str) -> None:
    """Obey lines: open, a number of frames to append, close."""
    images = theta = None
    file: h5py.File | None = None
    for line in sys.stdin:
        if line == "open\n":
            file = h5py.File(path, "w", libver="latest")
            images = file.create_dataset(
                "entry/data/data",
                (0, *SHAPE),
                "u2",
                chunks=(1, *SHAPE),
                maxshape=(None, *SHAPE),
            )
            theta = file.create_dataset(
                "entry/instrument/NDAttributes/theta",
                (0,),
                "f8",
                chunks=(16384,),
                maxshape=(None,),
            )
            if mode == "swmr":
                file.swmr_mode = True
        elif line == "close\n" and file is not None:
            file.close()
        elif images is not None and theta is not None:
            for _ in range(int(line)):
                i = images.shape[0]
                theta.resize((i + 1,))
                theta[i] = 0.5 * i
                theta.flush()
                images.resize((i + 1, *SHAPE))
                images.id.write_direct_chunk((i, 0, 0), frame(i))
                images.flush()
        print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
