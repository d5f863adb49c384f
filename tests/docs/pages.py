"""What the pages of the documentation contain: fenced blocks, commands, links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text.splitlines()[0]}"


def blocks(*languages: str, page: str | None = None) -> list[Block]:
    """List the fenced blocks in these languages, of one page or of all."""
    pages = PAGES if page is None else [ROOT / page]
    found = []
    for path in pages:
        for indent, language, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
            lines = [line.removeprefix(indent) for line in text.splitlines()]
            found.append(Block(path, language, "\n".join(lines) + "\n"))
    return [block for block in found if block.language in languages]


def commands() -> Iterator[tuple[Path, list[str]]]:
    """Yield every command of a shell block, split into words, without its variables."""
    for block in blocks("sh", "console", "bash"):
        for line in block.text.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                del words[0]
            if words:
                yield block.page, words


def links() -> Iterator[tuple[Path, str]]:
    """Yield every link to another file."""
    for page in PAGES:
        for target in _LINK.findall(page.read_text(encoding="utf-8")):
            if not re.match(r"https?:|#", target):
                yield page, target.partition("#")[0]
