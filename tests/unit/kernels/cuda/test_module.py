"""Sources are found, put together and described to the compiler, without a device."""

import ctypes
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.kernels.cuda import module
from daiss_bluesky.kernels.cuda.module import (
    Operator,
    is_half,
    options,
    parts,
    source,
    steps_of,
)

NAMES = sorted(path.stem for path in module.FOLDER.glob("*.cu"))


def test_constants_become_options_that_keep_every_bit() -> None:
    third = 1 / 3
    given = options({"N": 7, "IS_SHARP": True, "THIRD": third, "VALUE": "float"})
    assert given[1:] == ("-DIS_SHARP=1", "-DN=7", f"-DTHIRD={third.hex()}f",
                         "-DVALUE=float")  # fmt: skip


def test_operators_with_the_same_constants_are_one() -> None:
    assert Operator("a", {"N": 1, "M": 2}) == Operator("a", {"M": 2, "N": 1})
    assert len({Operator("a", {"N": 1}), Operator("a", {"N": 2})}) == 2


def test_files_are_included_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.cuh").write_text('#include "b.cuh"\nA\n')
    (tmp_path / "b.cuh").write_text("B\n")
    (tmp_path / "c.cu").write_text('#include "a.cuh"\n#include "b.cuh"\nC\n')
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    assert source("c").split() == ["B", "A", "C"]


@pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is installed"
)
def test_without_cupy_one_sentence_says_what_to_install() -> None:
    with pytest.raises(UnavailableError, match=r"daiss-bluesky\[gpu\]"):
        Operator("a").launch("f", (1,), (1,), ())


def test_too_many_blocks_are_refused_before_anything_is_compiled() -> None:
    with pytest.raises(ValueError, match="too many blocks"):
        Operator("a").launch("f", (1, 65536), (1,), ())
    Operator("a").launch("f", (0, 5), (1,), ())


def test_parts_cover_a_total() -> None:
    assert [parts(n, 4) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]


def _nvrtc() -> ctypes.CDLL | None:
    """Give the compiler of the nvidia-cuda-nvrtc wheel, or the system's."""
    found = importlib.util.find_spec("nvidia")
    folders = list(found.submodule_search_locations or ()) if found else []
    libraries = [
        str(path)
        for folder in folders
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*"))
    ]
    for name in [*libraries, "libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def compile_text(library: ctypes.CDLL, text: str, given: tuple[str, ...]) -> str:
    """Compile with NVRTC; gives the compiler's complaints, '' for none."""
    program = ctypes.c_void_p()
    library.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"operator.cu", 0, None, None
    )
    choices = (ctypes.c_char_p * len(given))(*(o.encode() for o in given))
    failed = library.nvrtcCompileProgram(program, len(given), choices)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return log.value.decode() or (f"error {failed}" if failed else "")


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", NAMES)
def test_every_source_compiles_without_a_word(name: str, architecture: str) -> None:
    library = _nvrtc()
    if library is None:
        pytest.skip("needs NVRTC: pip install nvidia-cuda-nvrtc-cu12")
    given = (*options({}), f"-arch={architecture}")
    assert compile_text(library, source(name), given) == ""


def test_the_compiler_complains_about_a_mistake() -> None:
    library = _nvrtc()
    if library is None:
        pytest.skip("needs NVRTC: pip install nvidia-cuda-nvrtc-cu12")
    assert "undefined" in compile_text(library, "int f() { return q; }", options({}))


def test_steps_between_elements_are_counted_without_the_last_axis() -> None:
    frames = np.zeros((4, 5, 6), np.float16)
    assert is_half(frames)
    assert [int(n) for n in steps_of(frames)] == [30, 6]
    turned = frames.transpose(1, 0, 2)
    assert [int(n) for n in steps_of(turned)] == [6, 30]
    assert not is_half(frames.astype(np.float32))
