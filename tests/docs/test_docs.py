"""The documentation says what there is: commands, options, links, valid code."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import typer

from daiss_bluesky.cli.app import app
from daiss_devices.beamline_file import (
    BeamlineFile,
    CameraFile,
    PtychographyFile,
    ShutterFile,
)
from daiss_devices.twin.settings import parse
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands, links

OTHER_COMMANDS = {"source", "export", "python", "pytest", "make"}


def command_tree() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=str)
def test_a_command_is_accepted(page: Path, words: list[str]) -> None:
    program, *rest = words
    if program != "daiss":
        assert program in OTHER_COMMANDS
        if program == "make":
            makefile = (ROOT / "Makefile").read_text()
            assert re.search(rf"^{rest[0]}:", makefile, re.MULTILINE)
        return
    command = command_tree()[rest[0]]
    if rest[0] == "twin":
        parse(rest[1:])
    else:
        # Parses options and arguments as the real command line does, and runs nothing.
        command.make_context(rest[0], rest[1:])


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block.page), "exec")


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page, target in links()
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_can_be_reached() -> None:
    linked = {(page.parent / target).resolve() for page, target in links()}
    lost = [page for page in PAGES if page not in linked and page.name != "README.md"]
    assert lost == []


def test_the_page_of_commands_is_up_to_date() -> None:
    path = ROOT / "docs/reference/generate_cli.py"
    spec = spec_from_file_location("generate_cli", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    written = path.with_name("cli.md").read_text(encoding="utf-8")
    assert module.page() == written, f"run {sys.executable} {path}"


def test_the_tutorial_shows_the_follower_as_it_is() -> None:
    shown = [b.text for b in blocks("python", page="docs/tutorial/first-scan.md")]
    assert (ROOT / "docs/tutorial/follow.py").read_text() in shown


def test_the_beamline_page_names_every_key() -> None:
    page = (ROOT / "docs/reference/beamline-file.md").read_text()
    for model in (BeamlineFile, ShutterFile, CameraFile, PtychographyFile):
        missing = [key for key in model.model_fields if f"`{key}`" not in page]
        assert missing == []


def test_the_readme_fits_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 60


def test_pictures_are_small_and_shown() -> None:
    pictures = {path.name: path for path in (ROOT / "docs/images").iterdir()}
    shown = {Path(target).name for _, target in links()}
    assert pictures.keys() <= shown
    assert [n for n, p in pictures.items() if p.stat().st_size > 400_000] == []
