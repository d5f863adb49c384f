"""Documents may name files under the allowed roots, and no others."""

import sys
from pathlib import Path

import pytest

from daiss_bluesky.core.errors import InputError
from daiss_callbacks.file_paths import FilePaths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


@pytest.mark.parametrize(
    "uri",
    ["{root}/a b.h5", "file://localhost{root}/a%20b.h5", "file://{root}/a%20b.h5"],
)
def test_paths_and_uris_of_this_host_are_found(root: Path, uri: str) -> None:
    uri = uri.format(root=root)
    assert FilePaths([root]).resolve(uri) == root / "a b.h5"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("{root}/../secret.h5", "'..'"),
        ("file://localhost{root}/%2e%2e/secret.h5", "'..'"),
        ("/etc/passwd", "outside the allowed roots"),
        ("{root}-other/x.h5", "outside the allowed roots"),
        ("data/x.h5", "not absolute"),
        ("{root}/x\0.h5", "null"),
        ("file://elsewhere{root}/x.h5", "host 'elsewhere'"),
        ("http://localhost{root}/x.h5", "not 'http'"),
        ("file://[x{root}/x.h5", "is refused"),
        ("file://localhost{root}/x.h5?y=1", "query"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(
    root: Path, uri: str, why: str
) -> None:
    with pytest.raises(InputError, match=why) as refused:
        FilePaths([root]).resolve(uri.format(root=root))
    assert "\n" not in str(refused.value)


def test_a_link_out_of_the_root_is_refused(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    secret.touch()
    (root / "inside.h5").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    for name in ("inside.h5", "folder/secret.h5", "folder/not_there_yet.h5"):
        with pytest.raises(InputError, match="outside the allowed roots"):
            FilePaths([root]).resolve(str(root / name))


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there they stay as they are")
def test_links_in_a_circle_lead_nowhere(root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(InputError, match="is refused"):
        FilePaths([root]).resolve(str(root / "a" / "x.h5"))


def test_no_roots_allow_nothing(root: Path) -> None:
    with pytest.raises(InputError, match=r"allowed roots \(none\)"):
        FilePaths([]).resolve(str(root / "x.h5"))


@pytest.mark.parametrize(
    ("theirs", "uri"),
    [
        ("/ioc/data", "/ioc/data/day/x.h5"),
        ("/ioc/data/", "file://localhost/ioc/data/day/x.h5"),
        ("C:\\frames", "C:\\frames\\day\\x.h5"),
        ("C:/frames", "file://localhost/C:/frames/day/x.h5"),
    ],
)
def test_the_iocs_path_becomes_ours(root: Path, theirs: str, uri: str) -> None:
    paths = FilePaths([root], {"/ioc": "/nowhere", theirs: str(root)})
    assert paths.resolve(uri) == root / "day" / "x.h5"


def test_a_prefix_ends_at_a_folder(root: Path) -> None:
    paths = FilePaths([root], {"/ioc/data": str(root)})
    with pytest.raises(InputError, match="outside"):
        paths.resolve("/ioc/database/x.h5")


def test_a_mapped_path_cannot_leave_the_root(root: Path) -> None:
    paths = FilePaths([root], {"/ioc": str(root)})
    with pytest.raises(InputError, match=r"'\.\.'"):
        paths.resolve("/ioc/../../etc/passwd")
