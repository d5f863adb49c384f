import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from fastapi import FastAPI, Request

from daiss_bluesky.viewers.web.assets import STATIC, assets, version
from daiss_bluesky.viewers.web.reading import LIMIT_BYTES
from daiss_bluesky.viewers.web.router import router

IMPORT = re.compile(r"""from "(?P<name>[^"]+)";""")
OUTSIDE = re.compile(r"""(?:https?:)?//[\w.-]+\.\w+""")


class Get(Protocol):
    def __call__(self, path: str, **headers: str) -> httpx.Response: ...


async def ask(method: str, path: str, **options: Any) -> httpx.Response:
    app = FastAPI()
    app.include_router(router, prefix="/custom")

    @app.get("/api/v1/metadata/{path:path}")
    async def metadata(path: str, request: Request) -> dict[str, Any]:
        told = {"key": request.headers["authorization"]}
        return told | {"path": path, "asked": request.query_params.multi_items()}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://server", follow_redirects=True
    ) as client:
        return await client.request(method, f"/custom/daiss{path}", **options)


@pytest.fixture(scope="module")
def get() -> Get:
    return lambda path, **headers: asyncio.run(ask("GET", path, headers=headers))


def test_page_names_files_that_there_are(get: Get) -> None:
    page = get("/")
    assert page.headers["content-type"].startswith("text/html")
    named = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert f"{version()}/main.js" in named
    for name in named:
        assert get(f"/{name}").status_code == 200, name


def test_address_without_slash_leads_to_the_page(get: Get) -> None:
    assert get("").url.path == "/custom/daiss/"


def test_files_of_this_version_are_kept_and_others_asked_for(
    get: Get,
) -> None:
    kept = get(f"/{version()}/main.js")
    asked = get("/0123/main.js")
    assert "immutable" in kept.headers["cache-control"]
    assert asked.headers["cache-control"] == "no-cache"
    assert kept.content == asked.content


@pytest.mark.parametrize("name", ["", "any/main.js"])
def test_known_files_are_not_sent_again(get: Get, name: str) -> None:
    tag = get(f"/{name}").headers["etag"]
    again = get(f"/{name}", **{"If-None-Match": f"W/{tag}"})
    assert (again.status_code, again.content) == (304, b"")


def test_page_may_load_and_ask_nothing_but_its_server(get: Get) -> None:
    policy = get("/").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for rule in ("script-src", "style-src", "connect-src"):
        assert rules[rule] == "'self'"


@pytest.mark.parametrize(
    "path",
    [
        "any/../router.py",
        "any/..%2frouter.py",
        "any/%2e%2e/router.py",
        "any//etc/passwd",
        "any/index.html/../../assets.py",
        "any/%00",
        "main.js",
        "any/",
    ],
)
def test_nothing_else_can_be_had(get: Get, path: str) -> None:
    assert get(f"/{path}").status_code == 404


def test_modules_import_what_there_is() -> None:
    for path in STATIC.rglob("*.js"):
        for name in IMPORT.findall(path.read_text()):
            assert name.startswith("."), f"{path.name} imports {name}"
            assert (path.parent / name).resolve().is_file(), f"{path.name}: {name}"


def test_no_file_names_another_server() -> None:
    for name, asset in assets().items():
        found = OUTSIDE.findall(asset.content.decode())
        assert set(found) <= {"http://www.w3.org"}, name


def test_color_tables_have_256_colors(get: Get) -> None:
    tables = json.loads(get("/any/colormaps.json").content)
    assert {"gray", "viridis", "magma", "twilight"} <= set(tables["maps"])
    for table in tables["maps"].values():
        assert len(table) == 256
        assert all(0 <= value <= 255 for color in table for value in color)


def test_files_stay_small() -> None:
    lines = {p.name: len(p.read_text().splitlines()) for p in STATIC.rglob("*.*")}
    assert max(lines.values()) < 420, max(lines, key=lines.__getitem__)
    assert Path(STATIC / "main.js").is_file()


def test_pages_of_other_origins_read_with_their_key() -> None:
    wanted = {
        "path": "metadata/recon/a",
        "parameters": [["fields", "structure"], ["fields", "specs"]],
        "api_key": "abc",
    }
    answer = asyncio.run(ask("POST", "/read", content=json.dumps(wanted)))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "key": "Apikey abc",
        "path": "recon/a",
        "asked": wanted["parameters"],
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"path": "metadata/recon"}',
        '{"path": "metadata/recon", "api_key": ""}',
        '{"path": "../../custom/daiss/", "api_key": "a"}',
        '{"path": "metadata/a", "api_key": "a", "method": "DELETE"}',
        '{"path": "metadata/a", "api_key": "' + 5000 * "a" + '"}',
        '{"path": "metadata/a", "api_key": "\u00e9"}',
        '{"path": "metadata/\\u0000", "api_key": "a"}',
    ],
)
def test_what_is_no_reading_is_refused(body: str) -> None:
    assert asyncio.run(ask("POST", "/read", content=body)).status_code == 400


def test_a_body_that_does_not_end_is_not_read_on() -> None:
    sent: list[bytes] = []

    async def endless() -> AsyncIterator[bytes]:
        while len(sent) < 100:
            sent.append(b" " * LIMIT_BYTES)
            yield sent[-1]

    answer = asyncio.run(ask("POST", "/read", content=endless()))
    assert (answer.status_code, len(sent)) == (400, 2)
