"""Keys stand in the documentation as they are."""

import re
from pathlib import Path

from daiss_bluesky.viewers.qt.pane.keys import KEYS, overview

PAGE = Path(__file__).parents[5] / "docs/how-to/measure-on-the-picture.md"


def test_the_page_lists_every_key_and_no_other() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert dict(rows[1:]) == overview()


def test_no_key_is_given_twice() -> None:
    assert len({key.key for key in KEYS}) == len(KEYS)
    assert len({key.action for key in KEYS}) == len(KEYS)
