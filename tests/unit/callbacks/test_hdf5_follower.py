"""A growing file read beside a real writer, in a process of its own."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_callbacks.hdf5_follower import Hdf5Follower
from tests.unit.callbacks import swmr_writer

DATA = "/entry/data/data"
THETA = "/entry/instrument/NDAttributes/theta"
WAIT_S = 60.0


class Writer:
    """Drives a writer process line by line."""

    def __init__(self, path: Path, mode: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, swmr_writer.__file__, str(path), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, line: object) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.h5"


@pytest.fixture
def start_writer(path: Path) -> Iterator[Callable[[str], Writer]]:
    writers: list[Writer] = []

    def start(mode: str) -> Writer:
        writers.append(Writer(path, mode))
        return writers[-1]

    yield start
    for writer in writers:
        writer.end()


def expected(
    start: int, stop: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]":
    return np.array([swmr_writer.frame(i) for i in range(start, stop)])


def test_a_file_that_appears_late_and_grows(
    path: Path, start_writer: Callable[[str], Writer]
) -> None:
    writer = start_writer("swmr")
    with (
        Hdf5Follower(path, timeout_s=WAIT_S) as follower,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(follower.read, DATA, 0, 3)
        writer.do("open")
        writer.do(2)
        assert not waiting.done()
        writer.do(1)
        np.testing.assert_array_equal(waiting.result(WAIT_S), expected(0, 3))
        for first in range(3, 40, 4):
            waiting = pool.submit(follower.read, DATA, first, first + 4)
            writer.do(4)
            np.testing.assert_array_equal(
                waiting.result(WAIT_S), expected(first, first + 4)
            )
            theta = follower.read_if_present(THETA, first, first + 4)
            np.testing.assert_array_equal(theta, 0.5 * np.arange(first, first + 4))
        np.testing.assert_array_equal(follower.read(DATA, 1, 30), expected(1, 30))
        assert follower.read_if_present("/entry/none", 0, 1) is None
        writer.do("close")
        np.testing.assert_array_equal(follower.read(DATA, 1, 30), expected(1, 30))


def test_a_writer_that_is_killed_leaves_its_frames_readable(
    path: Path, start_writer: Callable[[str], Writer]
) -> None:
    writer = start_writer("swmr")
    writer.do("open")
    writer.do(5)
    writer.end()
    with Hdf5Follower(path, timeout_s=WAIT_S) as follower:
        np.testing.assert_array_equal(follower.read(DATA, 0, 5), expected(0, 5))


def test_a_writer_without_swmr_is_read_once_it_closed(
    path: Path, start_writer: Callable[[str], Writer]
) -> None:
    writer = start_writer("plain")
    writer.do("open")
    writer.do(3)
    hasty = Hdf5Follower(path, timeout_s=0.0)
    with pytest.raises(UnavailableError, match="not in SWMR mode"):
        hasty.read(DATA, 0, 3)
    with (
        Hdf5Follower(path, timeout_s=WAIT_S) as follower,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(follower.read, DATA, 0, 3)
        writer.do("close")
        np.testing.assert_array_equal(waiting.result(WAIT_S), expected(0, 3))


def test_a_replaced_file_is_opened_anew(path: Path) -> None:
    def write(value: int, to: Path) -> None:
        with h5py.File(to, "w") as file:
            file[DATA] = np.full((2, 3, 3), value)

    write(1, path)
    with Hdf5Follower(path, timeout_s=WAIT_S) as follower:
        assert follower.read(DATA, 0, 2).max() == 1
        other = path.with_name("other.h5")
        write(2, other)
        other.replace(path)
        assert follower.read(DATA, 0, 2).min() == 2


def test_a_file_that_is_moved_away_is_read_to_its_end(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file[DATA] = np.arange(27).reshape(3, 3, 3)
    with Hdf5Follower(path, timeout_s=0.1) as follower:
        assert follower.read(DATA, 0, 1).max() == 8
        path.rename(path.with_name("moved.h5"))
        assert follower.read(DATA, 2, 3).max() == 26


@pytest.mark.parametrize("mode", [{}, {"libver": "latest", "swmr": True}])
def test_others_in_this_process_may_have_the_file_open(
    path: Path, mode: dict[str, object]
) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file[DATA] = np.ones((2, 3, 3))
    with h5py.File(path, "r", **mode), Hdf5Follower(path, timeout_s=WAIT_S) as follower:
        assert follower.read(DATA, 0, 2).min() == 1


def test_a_frame_that_never_comes_is_named(path: Path) -> None:
    with Hdf5Follower(path, timeout_s=0.1) as follower:
        with pytest.raises(UnavailableError, match="does not exist"):
            follower.read(DATA, 0, 1)
        with h5py.File(path, "w") as file:
            file[DATA] = np.zeros((2, 3, 3))
        with pytest.raises(UnavailableError) as missing:
            follower.read(DATA, 1, 4)
    assert str(missing.value) == (
        f"row 3 of {DATA} of file {path} did not come within 0.1 s:"
        f" the file has 2 rows of {DATA}"
    )


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: b"no such format" * 100, "is not an HDF5 file"),
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda data: data[:100], "truncated|HDF5"),
        (lambda data: b"", "is not an HDF5 file"),
    ],
    ids=["text", "half", "head", "empty"],
)
@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("chunks", [None, (1, 64, 64)])
def test_a_damaged_file_is_one_sentence(
    path: Path,
    damage: Callable[[bytes], bytes],
    why: str,
    libver: str,
    chunks: tuple[int, ...] | None,
) -> None:
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset(DATA, data=np.ones((8, 64, 64), "u2"), chunks=chunks)
    path.write_bytes(damage(path.read_bytes()))
    follower = Hdf5Follower(path, timeout_s=0.1)
    with pytest.raises(UnavailableError, match=why) as error:
        follower.read(DATA, 0, 8)
    follower.close()
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_growing_file_that_was_cut_is_one_sentence(
    path: Path, start_writer: Callable[[str], Writer]
) -> None:
    writer = start_writer("swmr")
    writer.do("open")
    writer.do(400)
    writer.end()
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        chunk = file[DATA].id.get_chunk_info_by_coord((350, 0, 0))
    os.truncate(path, chunk.byte_offset)
    with Hdf5Follower(path, timeout_s=0.1) as follower:
        np.testing.assert_array_equal(follower.read(DATA, 0, 350), expected(0, 350))
        with pytest.raises(UnavailableError, match="is truncated"):
            follower.read(DATA, 340, 360)


def test_data_in_other_files_are_refused(path: Path) -> None:
    secret = path.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file["d"] = np.zeros((2, 3, 3))
    layout = h5py.VirtualLayout((2, 3, 3), "f8")
    layout[:] = h5py.VirtualSource(str(secret), "d", (2, 3, 3))
    with h5py.File(path, "w") as file:
        file["link"] = h5py.ExternalLink(str(secret), "/d")
        file["group"] = h5py.ExternalLink(str(secret), "/")
        file["soft"] = h5py.SoftLink("/group/d")
        file.create_virtual_dataset("view", layout)
        raw = [(str(path.with_name("raw")), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("raw", (2, 3), "f8", external=raw)
    with Hdf5Follower(path, timeout_s=WAIT_S) as follower:
        for name in ("link", "group/d", "soft", "view", "raw"):
            with pytest.raises(InputError, match="lies in other files"):
                follower.read(name, 0, 1)


def test_a_path_that_becomes_a_link_is_refused(path: Path) -> None:
    follower = Hdf5Follower(path, timeout_s=WAIT_S)
    secret = path.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file[DATA] = np.zeros((2, 3, 3))
    path.symlink_to(secret)
    with pytest.raises(InputError, match="became a link"):
        follower.read(DATA, 0, 1)


def test_closing_ends_a_wait(path: Path) -> None:
    follower = Hdf5Follower(path, timeout_s=WAIT_S)
    failed: list[str] = []
    began = threading.Event()

    def read() -> None:
        began.set()
        try:
            follower.read(DATA, 0, 1)
        except UnavailableError as error:
            failed.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    began.wait(WAIT_S)
    follower.close()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert "closed" in failed[0]


def test_rows_must_be_a_range(path: Path) -> None:
    with Hdf5Follower(path) as follower:
        for start, stop in [(-1, 2), (2, 2), (3, 1)]:
            with pytest.raises(InputError, match="cannot be read"):
                follower.read(DATA, start, stop)
