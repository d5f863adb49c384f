"""Results over EPICS PV Access, for Phoebus, ImageJ or PyDM at the beamline."""

import math
import os
import time
from collections.abc import Mapping

import numpy as np
from p4p.nt import NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Arrays, Progress
from daiss_bluesky.core.results import Final, Result, Update
from daiss_bluesky.publishers.nt_image import nt_image
from daiss_bluesky.publishers.progress_table import UNKNOWN_COUNT
from daiss_bluesky.publishers.pv_names import TOMOGRAPHY_VIEWS, pv_name

ACROSS = {"slice_xy": 0, "slice_xz": 1, "slice_yz": 2}
_PORT = "EPICS_PVAS_SERVER_PORT"
_STATUS_TYPES = {
    "Status": "s",
    "Message": "s",
    "RunUid": "s",
    "ResultUid": "s",
    "FramesReceived": "i",
    "FramesExpected": "i",
    "FramesMissing": "i",
    "Coverage": "d",
    "Center": "d",
    "Lag": "d",
}
_IDLE = {"s": "", "i": 0, "d": math.nan}
_Scalar = str | int | float


class PvaPublisher:
    """Serves the newest result's views and status; one for the life of a process.

    Its PVs exist, with a small black picture, before the first result. Unique ids
    count up over all results, so that a client sees what it missed.
    """

    name = "pva"

    def __init__(
        self,
        prefix: str,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start serving; `environment` stands in for the process's EPICS_PVAS_*."""
        self._prefix = prefix
        self._provider = StaticProvider("daiss-results")
        self._images: dict[str, SharedPV] = {}
        self._status: dict[str, SharedPV] = {}
        self._last_id = 0
        self._first_id = 0
        self._result: Result | None = None
        for view in TOMOGRAPHY_VIEWS:
            self._add_image(view)
        for name, code in _STATUS_TYPES.items():
            pv = SharedPV(nt=NTScalar(code), initial=_IDLE[code], timestamp=time.time())
            self._status[name] = pv
            self._provider.add(f"{prefix}Recon:{name}", pv)
        self._server = _serve(self._provider, environment)

    def open(self, result: Result) -> None:
        """Say which run is being reconstructed."""
        self._result = result
        self._first_id = self._last_id
        self._post({"RunUid": result.scan.run_uid, "ResultUid": result.uid})
        self._post({"Status": "running", "Message": ""} | _counts(Progress()))

    def write(self, update: Update) -> None:
        """Show the views of an update."""
        self._show(update.number, update.views, update.progress)

    def close(self, final: Final) -> None:
        """Show the final views and how it ended; they stay until the next result."""
        if final.views:
            number = self._last_id - self._first_id + 1
            self._show(number, final.views, final.progress)
        self._post(_counts(final.progress))
        self._post({"Message": final.message, "Status": final.status})

    def shut_down(self) -> None:
        """Stop serving."""
        self._server.stop()
        for pv in (*self._images.values(), *self._status.values()):
            pv.close()

    def _show(self, number: int, views: Arrays, progress: Progress) -> None:
        if self._result is None:
            raise InputError("no result was opened")
        now_s = time.time()
        scan, angle = self._result.scan, progress.newest_angle_rad
        newest_s = progress.newest_time_s
        attributes = {
            "scan_id": scan.scan_id if scan.scan_id is not None else UNKNOWN_COUNT,
            "angle_deg": math.nan if angle is None else math.degrees(angle),
            "center_px": _center(progress),
            "frames_used": progress.frames_used,
            "raw_uid": scan.run_uid,
            "result_uid": self._result.uid,
            "update": number,
        }
        self._last_id = self._first_id + number
        for view, picture in views.items():
            if view not in self._images:
                self._add_image(view)
            value = nt_image(
                picture,
                unique_id=self._last_id,
                time_s=now_s,
                data_time_s=now_s if newest_s is None else newest_s,
                attributes=attributes | {"place": _place(view, progress)},
            )
            self._images[view].post(value)
        lag_s = math.nan if newest_s is None else now_s - newest_s
        self._post(_counts(progress) | {"Lag": lag_s})

    def _add_image(self, view: str) -> None:
        now_s = time.time()
        black = nt_image(
            np.zeros((2, 2), np.float32),
            unique_id=0,
            time_s=now_s,
            data_time_s=now_s,
            attributes={},
        )
        # Without nt=: that would refuse values made by hand, which have times.
        self._images[view] = SharedPV(initial=black)
        self._provider.add(self._prefix + pv_name(view), self._images[view])

    def _post(self, values: Mapping[str, _Scalar]) -> None:
        now_s = time.time()
        for name, value in values.items():
            self._status[name].post(value, timestamp=now_s)


def _serve(provider: StaticProvider, environment: Mapping[str, str] | None) -> Server:
    if environment is None:
        server = Server(providers=[provider])
    else:
        server = Server(providers=[provider], conf=dict(environment), useenv=False)
    asked = (os.environ if environment is None else environment).get(_PORT)
    got = server.conf()[_PORT]
    if asked is not None and asked != got:
        # pvxs takes any other port without a word.
        server.stop()
        raise UnavailableError(f"port {asked} for results over PVA is in use")
    return server


def _counts(progress: Progress) -> dict[str, _Scalar]:
    expected, missing = progress.frames_expected, progress.frames_missing
    return {
        "FramesReceived": progress.frames_received,
        "FramesExpected": UNKNOWN_COUNT if expected is None else expected,
        "FramesMissing": UNKNOWN_COUNT if missing is None else missing,
        "Coverage": progress.coverage,
        "Center": _center(progress),
    }


def _place(view: str, progress: Progress) -> int:
    """Tell which slice a view is, across (z, y, x)."""
    places = progress.parameters.get("slices_zyx")
    return int(places[ACROSS[view]]) if places and view in ACROSS else UNKNOWN_COUNT


def _center(progress: Progress) -> float:
    center = progress.parameters.get("center_px")
    return math.nan if center is None else float(center)
