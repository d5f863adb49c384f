"""The page on the web viewer names what there is."""

import re

from daiss_bluesky.viewers.web.assets import STATIC
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reference/web.md").read_text()


def test_every_parameter_of_the_address_is_named() -> None:
    source = (STATIC / "model/state.js").read_text()
    names = set(re.findall(r'given\.get\("(\w+)"\)', source))
    assert {"result", "kiosk"} <= names
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_key_is_named() -> None:
    source = (STATIC / "view/keys.js").read_text()
    keys = re.findall(r'key: "([A-Z0-9/?])"', source)
    assert len(keys) > 8
    assert [key for key in keys if f"`{key}`" not in PAGE] == []
