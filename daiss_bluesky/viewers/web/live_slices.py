"""Slices at any place of a scan that still runs: the reconstructor's, for a page.

Whoever may read the result in Tiled may see them. Tiled must run on the reconstructor's
machine and know its state directory (DAISS_STATE); `daiss up` sees to both.
"""

from typing import Annotated, Any, Literal

import msgpack
import numpy as np
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from numpy.typing import NDArray
from pydantic import Field

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.scan import Model
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.state import default_root
from daiss_bluesky.viewers.web.reading import Key, ask_inside, body_of

TIMEOUT_S = 10.0

Index = Annotated[int, Field(ge=0)]


class Window(Model):
    """Part of a slice: rows and columns from and to, of both every step-th."""

    rows: tuple[Index, Index]
    columns: tuple[Index, Index]
    step: int = Field(1, ge=1)

    def of(self, picture: NDArray[np.float32]) -> dict[str, Any]:
        """Give its shape and its float32 bytes, rows first."""
        rows, columns = slice(*self.rows, self.step), slice(*self.columns, self.step)
        part = np.ascontiguousarray(picture[rows, columns], "<f4")
        return {"shape": part.shape, "data": part.tobytes()}


Windows = Annotated[list[Window], Field(max_length=2)]
"""A whole slice with gaps, and what one has zoomed into: a page shows no more."""


class Wanted(Model):
    """Windows of the slices through one voxel."""

    uid: str = Field(pattern=r"^[\w-]+$")
    zyx: tuple[Index, Index, Index]
    windows: dict[Literal["slice_xy", "slice_xz", "slice_yz"], Windows]
    api_key: Key = ""


async def live_slices(request: Request, headers: dict[str, str]) -> Response:
    """Answer with msgpack: for each view its windows, each a shape and float32 bytes.

    400 for what cannot be asked, what Tiled says where it refuses the result, and 404
    where nobody reconstructs it now.
    """
    wanted = await body_of(request, Wanted)
    if wanted is None:
        return Response("uid, zyx and windows are expected", 400, headers, "text/plain")
    path = f"metadata/recon/{wanted.uid}"
    allowed = await ask_inside(request.app, path, api_key=wanted.api_key)
    if not allowed.is_success:
        return Response(allowed.content, allowed.status_code, headers)
    try:
        slices = await run_in_threadpool(_ask_reconstructor, wanted)
    except InputError as error:
        return Response(str(error), 400, headers, "text/plain")
    except UnavailableError as error:
        return Response(str(error), 404, headers, "text/plain")
    return Response(msgpack.packb(slices), 200, headers, "application/x-msgpack")


def _ask_reconstructor(wanted: Wanted) -> dict[str, Any]:
    with ControlClient.of_state(
        default_root(), by="a browser", timeout_s=TIMEOUT_S
    ) as client:
        slices = client.slices(*wanted.zyx, of=wanted.uid)
    return {
        name: [window.of(slices[name]) for window in windows]
        for name, windows in wanted.windows.items()
    }
