"""Modules of the web viewer in a browser, without its page, against Python."""

import base64
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np
import pytest
from playwright.sync_api import Route

from daiss_bluesky.viewers.model.contrast import Contrast
from daiss_bluesky.viewers.model.curves import Rows
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.web.assets import assets
from tests.browser import open_browser

HOME = "http://viewer.invalid/"
Run = Callable[..., Any]
"""Runs `(module, argument) => ...` with a module of the viewer."""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    def answer(route: Route) -> None:
        asset = assets().get(route.request.url.removeprefix(HOME))
        if asset is None:
            route.fulfill(body="", content_type="text/html")
        else:
            route.fulfill(body=asset.content, content_type=asset.media_type)

    with open_browser() as browser:
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(HOME)

        def call(name: str, code: str, argument: Any = None) -> Any:
            wrapped = f"async (a) => (({code})(await import('./{name}'), a))"
            return page.evaluate(wrapped, argument)

        yield call


def test_state_survives_the_address(run: Run) -> None:
    chance = random.Random(3)
    for _ in range(50):
        view: dict[str, Any] = {
            "map": chance.choice([None, "magma"]),
            "inverted": False,
            "mode": chance.choice([None, "sigma", "minmax"]),
            "low": None,
            "high": None,
            "scale": chance.choice(["linear", "log"]),
            "zoom": None,
            "row": None,
            "column": None,
        }
        if chance.random() < 0.5:
            low = chance.uniform(-1, 1)
            view |= {"mode": "locked", "low": low, "high": low + 1e-3, "map": "gray"}
            view |= {"zoom": 2.5, "row": 10.25, "column": -3.5, "inverted": True}
        state = run("model/state.js", "(m) => m.initial()")
        state |= {
            "result": chance.choice([None, "ab-12"]),
            "search": chance.choice(["", "a=b & 100 % é"]),
            "place": chance.choice([None, {"z": 3, "y": 4}]),
            "kiosk": chance.random() < 0.5,
            "runs": chance.random() < 0.5,
            "views": {"slice_xy": view} if view["map"] else {},
        }
        again = run("model/state.js", "(m, s) => m.read(m.write(s))", state)
        assert again == state


def test_rows_are_put_in_order_as_on_the_desktop(run: Run) -> None:
    chance = random.Random(7)
    for _ in range(30):
        first = [(n, 100.0 + n) for n in range(1, 9)]
        again = [(n, 200.0 + n) for n in range(1, chance.randrange(2, 12))]
        sent = []
        for table in chance.choice([[first], [first, again]]):
            rows = [*table, *chance.sample(table, len(table) // 2)]
            chance.shuffle(rows)
            sent += [rows[i : i + 3] for i in range(0, len(rows), 3)]
        desktop = Rows()
        for rows in sent:
            desktop.add([{"number": n, "time": t} for n, t in rows])
        columns = [
            {"number": [n for n, _ in r], "time": [t for _, t in r]} for r in sent
        ]
        page = run(
            "model/progress.js",
            """(m, sent) => {
              const progress = new m.Progress();
              sent.forEach((columns) => progress.add(columns));
              return progress.rows.map(({ number, time }) => [number, time]);
            }""",
            columns,
        )
        curves = desktop.curves()
        shown = zip(curves.number, curves.columns["time"], strict=True)
        assert page == [[number, time] for number, time in shown]


def test_honesty_is_worded_as_on_the_desktop(run: Run) -> None:
    chance = random.Random(4)
    cases = []
    for _ in range(300):
        size = 10 ** chance.uniform(-8, 8)
        value = chance.choice([size, -size, 0.125, 2.5, 1125.0, 0.0, 12.345, 1e22])
        cases.append(
            Honesty(
                status=chance.choice(["running", "complete", "incomplete"]),
                frames_expected=chance.choice([None, 100]),
                frames_received=chance.randrange(100),
                frames_used=chance.randrange(100),
                frames_missing=chance.choice([None, 0, 3]),
                coverage=chance.choice([chance.random(), 0.125, 0.005, 0.015, 1.0]),
                lag_s=chance.choice([None, 0.125, 0.375, chance.uniform(0, 9)]),
                published_s=chance.choice(
                    [None, 1e9, 1e9 - 0.25, 1e9 + 5, 1e9 - 10 ** chance.uniform(0, 7)]
                ),
                quality={"residual": value},
                step=2,
                steps=chance.choice([0, 5]),
            )
        )
    fields = [
        {n: getattr(c, n) for n in c.__slots__ if n != "parameters"} for c in cases
    ]
    lines = run(
        "model/honesty.js", "(m, all) => all.map((h) => m.line(h, 1e9 + 0.5))", fields
    )
    assert lines == [case.line(1e9 + 0.5) for case in cases]


def test_messages_are_decoded_as_python_packs_them(run: Run) -> None:
    message = {
        "type": "array-data",
        "sequence": 70000,
        "big": 2**40,
        "less": [-1, -33, -200, -70000, -(2**40)],
        "text": "é" * 300,
        "nothing": None,
        "flags": [True, False],
        "number": math.pi,
        "list": list(range(20)),
    }
    packed = msgpack.packb(message | {"payload": b"\x00\x01\xff" * 100})
    code = """(m, bytes) => {
      const found = m.decode(new Uint8Array(bytes).buffer);
      found.payload = [...found.payload];
      return found;
    }"""
    found = run("model/msgpack.js", code, list(packed))
    assert bytes(found.pop("payload")) == b"\x00\x01\xff" * 100
    assert found == message
    code = """(m, all) => all.map((bytes) => {
      try {
        return m.decode(new Uint8Array(bytes).buffer);
      } catch (error) {
        return error.name;
      }
    })"""
    cases = [list(packed[:-1]), [*packed, 0], [0xC1], []]
    broken = run("model/msgpack.js", code, cases)
    assert broken == ["RangeError"] * 4


def test_levels_are_those_of_the_desktop(run: Run) -> None:
    picture = np.random.default_rng(6).normal(size=(300, 280)).astype(np.float32)
    picture[7, 8], picture[0, 0] = np.nan, np.inf
    code = """(m, { packed, rows, columns, mode }) => {
      const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
      const picture = { data: new Float32Array(bytes.buffer), rows, columns };
      return m.levels(m.sample(picture), mode, picture);
    }"""
    packed = base64.b64encode(picture.tobytes()).decode()
    names = {"percentile": "percentile", "sigma": "sigma", "minmax": "range"}
    for mode, name in names.items():
        given = {"packed": packed, "rows": 300, "columns": 280, "mode": mode}
        found = run("model/contrast.js", code, given)
        expected = Contrast(name).levels(picture)
        assert found == pytest.approx([expected.low, expected.high], rel=1e-5)


def test_message_above_the_limit_is_refused_in_one_sentence(run: Run) -> None:
    code = """(m) => {
      const heard = [];
      const take = { closed: (problem) => heard.push(problem.message) };
      const close = () => heard.push("closed");
      const one = { path: "recon/a/live/slice_xy", take, close };
      m.Subscription.prototype.receive.call(one, { byteLength: 134e6 });
      return heard;
    }"""
    assert run("model/subscription.js", code) == [
        "closed",
        "A message of 134 MB for recon/a/live/slice_xy is above the limit of 64 MB.",
    ]


STREAM = """async (m, steps) => {
  const sockets = [];
  globalThis.WebSocket = class {
    constructor(url) {
      this.url = url;
      sockets.push(this);
    }
    send(text) { this.sent = text; }
    close() {}
  };
  const heard = [];
  const take = {
    message: ({ sequence }) => heard.push(sequence),
    open: () => {},
    closed: (problem) => heard.push(problem.message),
  };
  const server = { apiKey: "secret", socketUrl: (path, given) => ({ path, ...given }) };
  const one = new m.Subscription(server, "recon/a", take);
  const now_ms = Date.now();
  for (const [what, sequence, late_s] of steps) {
    const socket = sockets.at(-1);
    const timestamp = new Date(now_ms - (late_s ?? 0) * 1000).toISOString();
    if (what === "open") {
      socket.onopen();
      socket.onmessage({ data: JSON.stringify({ type: "array-schema" }) });
    } else if (what === "send") {
      socket.onmessage({ data: JSON.stringify({ sequence, timestamp }) });
    } else if (what === "refuse") socket.onclose({ code: 4003 });
    else one.renew();
  }
  one.close();
  const starts = sockets.map((socket) => socket.url.start ?? null);
  return { heard, starts, sent: sockets[0].sent };
}"""


@pytest.mark.parametrize(
    ("steps", "heard", "starts"),
    [
        pytest.param(
            [["open"], ["send", 4], ["send", 5], ["send", 5], ["send", 3]],
            [4, 5],
            [None],
            id="a repeated message counts once",
        ),
        pytest.param(
            [["open"], ["send", 4], ["cut"], ["open"], ["send", 5]],
            [4, 5],
            [None, 5],
            id="it goes on after the last one",
        ),
        pytest.param(
            [["open"], ["send", 90], ["cut"], ["open"], ["send", 1], ["send", 2]],
            [90, 1, 2],
            [None, 91],
            id="a server begun again counts from 1",
        ),
        pytest.param(
            [["open"], ["send", 4], ["send", 5, 9], ["open"], ["send", 30]],
            [4, 30],
            [None, None],
            id="what waited for long is passed over",
        ),
        pytest.param(
            [["open"], ["refuse"]],
            ["The server does not accept this API key."],
            [None],
            id="a refused key is told",
        ),
    ],
)
def test_stream(
    run: Run, steps: list[Any], heard: list[Any], starts: list[int | None]
) -> None:
    found = run("model/subscription.js", STREAM, steps)
    assert (found["heard"], found["starts"]) == (heard, starts)
    assert found["sent"] == '{"type":"auth","api_key":"secret"}'
