"""A reconstruction in a notebook, live while the kernel is inside `RE(...)`.

Needs the extra `notebook`. The browser asks the Tiled server by itself; what the kernel
gives it is an address and a key, and what it gets back is a picture now and then.
"""

import threading
import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import display, update_display

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.viewers.notebook.server import ResultServer
from daiss_bluesky.viewers.sources.tiled_reader import TiledReader

HEIGHT_PX = 640
LEAST_PX, MOST_PX = 160, 2000
OFFERS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""When the key is sent again: a browser cannot ask a kernel that is inside a scan."""


class ResultWidget(anywidget.AnyWidget):
    """Follows one result, or with empty uids the newest."""

    _esm = Path(__file__).parent / "loader.js"
    uri = traitlets.Unicode().tag(sync=True)
    result_uid = traitlets.Unicode().tag(sync=True)
    raw_uid = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(HEIGHT_PX, min=LEAST_PX, max=MOST_PX).tag(sync=True)
    shown_uid = traitlets.Unicode().tag(sync=True)
    """Of the result that was seen last."""
    status = traitlets.Unicode().tag(sync=True)
    """Of that result."""
    snapshot = traitlets.Bytes().tag(
        sync=True, echo_update=False, from_json=lambda value, _widget: bytes(value)
    )
    """PNG of it; empty before the first."""
    handle = traitlets.Unicode().tag(sync=True)

    def __init__(self, server: ResultServer, **traits: Any) -> None:
        """Follow on a server; the key is no trait, since those are saved."""
        self._key = server.api_key
        self._has_key = threading.Event()
        self._display_id = uuid.uuid4().hex
        self._kept_uid: str | None = None
        super().__init__(uri=server.uri, handle=uuid.uuid4().hex, **traits)
        self.on_msg(self._hear)
        threading.Thread(target=self._offer_key, daemon=True, name="key").start()

    def freeze(self) -> None:
        """Leave the picture of now in the notebook in place of what moves."""
        if not self.snapshot:
            raise UnavailableError("there is no picture yet that could be left")
        picture = {"image/png": self.snapshot, "text/plain": repr(self)}
        update_display(picture, raw=True, display_id=self._display_id)

    def __repr__(self) -> str:
        """Name what is followed."""
        shown = self.result_uid or self.raw_uid or self.shown_uid
        return f"<reconstruction {shown or 'that comes next'} at {self.uri}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Give the widget, and a picture for whatever knows no widgets."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**(data or {}), "text/plain": repr(self)}
        if self.snapshot:
            data["image/png"] = self.snapshot
        return data, metadata

    def _ipython_display_(self) -> None:
        data, metadata = self._repr_mimebundle_()
        # Under a name, so that the last picture can take its place beside the widget.
        display(data, metadata=metadata, raw=True, display_id=self._display_id)

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("want") == "key":
            self._has_key.set()
            self._send_key()

    @traitlets.observe("status", "snapshot")
    def _keep_last(self, _change: Any) -> None:
        """Put the last picture of a result beside the widget, for the file."""
        ended = self.status not in {"", "running"}
        if not ended or not self.snapshot or self.shown_uid == self._kept_uid:
            return
        # Once: the output is drawn anew, and what is in it begins again.
        self._kept_uid = self.shown_uid
        data, metadata = self._repr_mimebundle_()
        update_display(data, metadata=metadata, raw=True, display_id=self._display_id)

    def _send_key(self) -> None:
        # As a message of its own: it is in no state, and so in no file.
        self.send({"api_key": self._key})

    def _offer_key(self) -> None:
        for wait_s in OFFERS_S:
            if self._has_key.wait(wait_s) or self.comm is None:
                return
            self._send_key()


def follow(
    uid: str | None = None,
    *,
    uri: str | None = None,
    api_key: str | None = None,
    height: int = HEIGHT_PX,
) -> ResultWidget:
    """Show a reconstruction that moves while the scan runs; the last one of a cell.

    Args:
        uid: Of a run or of a result; without it the newest, also of scans to come.
        uri: Of a Tiled server; without it that of `daiss up`.
        api_key: Its key; without it TILED_API_KEY, or that of `daiss up`.
        height: Of the widget, in pixels of the page.

    Raises:
        InputError: for a uid that is no run and no result, or a key that is refused.
        UnavailableError: where no server answers.
    """
    if not LEAST_PX <= height <= MOST_PX:
        raise InputError(f"height = {height}: {LEAST_PX} to {MOST_PX} pixels")
    server = ResultServer.find(uri, api_key)
    http = TiledHttp(server.uri, server.api_key)
    try:
        which = {} if uid is None else _which(TiledReader(http), uid)
        http.get("")
    finally:
        http.close()
    return ResultWidget(server, height=height, **which)


def _which(reader: TiledReader, uid: str) -> dict[str, str]:
    if reader.http.get(f"recon/{uid}") is not None:
        reader.result(uid)
        return {"result_uid": uid}
    if reader.http.get(f"raw/{uid}") is not None:
        return {"raw_uid": uid}
    raise InputError(f"there is no run and no result {uid!r} at {reader.http.uri}")
