from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.publishers.cxi_file import Ptychogram, write_cxi
from daiss_bluesky.readers.probe_file import read_probe
from tests.unit.readers.diffraction_files import make_scan, write_npz


def test_a_probe_is_read_from_every_file_that_has_one(tmp_path: Path) -> None:
    stored = make_scan()
    assert stored.probe is not None
    np.save(tmp_path / "probe.npy", stored.probe)
    write_npz(tmp_path / "scan.npz", stored)
    result = Ptychogram(
        np.ones((20, 20), np.complex64), stored.probe, stored.positions_um, (0.0, 0.0)
    )
    write_cxi(tmp_path / "out.cxi", stored.scan, result)
    for name in ("probe.npy", "scan.npz", "out.cxi"):
        np.testing.assert_array_equal(read_probe(tmp_path / name), stored.probe)
    np.save(tmp_path / "one.npy", stored.probe[0])
    np.testing.assert_array_equal(read_probe(tmp_path / "one.npy"), stored.probe[:1])


def test_a_file_without_a_probe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_probe(tmp_path / "none.npy")
    np.save(tmp_path / "real.npy", np.ones((4, 4)))
    with pytest.raises(InputError, match="expected complex numbers"):
        read_probe(tmp_path / "real.npy")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["entry_1/data_1/data"] = np.ones(3)
        file["number"] = 1
    for name in ("other.npz", "other.h5"):
        with pytest.raises(InputError, match="holds no probe"):
            read_probe(tmp_path / name)
    (tmp_path / "text").write_text("probe")
    with pytest.raises(InputError, match="is no file of NumPy or HDF5") as caught:
        read_probe(tmp_path / "text")
    assert "\n" not in str(caught.value)
