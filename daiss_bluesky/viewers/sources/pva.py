"""The pictures of the newest result over PV Access: the fast lane at the beamline."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from threading import Condition, Lock, Thread
from typing import Any

import numpy as np

from daiss_bluesky.publishers.pv_names import TOMOGRAPHY_VIEWS, pv_name
from daiss_bluesky.viewers.sources.sink import Sink


@dataclass(frozen=True, slots=True)
class PvaPlace:
    """Where results are served over PV Access."""

    prefix: str
    environment: Mapping[str, str] | None = None
    """EPICS_PVA_* that stand in for those of the process."""


class PvaSource:
    """Follows the image PVs; one that is not there is waited for and costs nothing.

    PV Access itself drops what nobody takes in time, so the newest wins.
    """

    def __init__(self, place: PvaPlace, sink: Sink) -> None:
        self._place = place
        self._sink = sink
        self._lock = Lock()
        self._heard = Condition()
        self._context: Any = None
        self._wanted = list(TOMOGRAPHY_VIEWS)
        self._monitors: list[Any] = []
        self._last_ids: dict[str, int] = {}
        self._ended = False

    def start(self) -> None:
        """Begin, in a thread of its own, with the views that tomography has."""
        Thread(target=self._begin, name="pva-source", daemon=True).start()

    def _begin(self) -> None:
        context = _connect(self._place.environment)
        with self._lock:
            if self._ended:
                context.close()
                return
            self._context = context
            for view in self._wanted:
                self._monitor(view)

    def watch(self, view: str) -> None:
        """Follow a view from now on, whatever result it is of."""
        with self._lock:
            if view in self._wanted:
                return
            self._wanted.append(view)
            if self._context is not None:
                self._monitor(view)

    def _monitor(self, view: str) -> None:
        self._monitors.append(
            self._context.monitor(
                self._place.prefix + pv_name(view), partial(self._take, view)
            )
        )

    def wait_until_connected(self, view: str, limit_s: float) -> bool:
        """Wait until a view's PV has said something; tells whether it did."""
        with self._heard:
            return self._heard.wait_for(lambda: view in self._last_ids, limit_s)

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            for monitor in self._monitors:
                monitor.close()
            if self._context is not None:
                self._context.close()
            self._monitors, self._context, self._ended = [], None, True

    def _take(self, view: str, value: Any) -> None:
        if not value.has("attribute"):
            return  # the coverage of a scan is a number of the picture's name
        attributes = {one["name"]: one["value"] for one in value["attribute"]}
        uid, number = attributes.get("result_uid"), attributes.get("update")
        unique_id, last_id = int(value["uniqueId"]), self._last_ids.get(view, 0)
        with self._heard:
            self._last_ids[view] = unique_id
            self._heard.notify_all()
        if not uid or not number:
            return  # what is served before the first result, or somebody else's
        if unique_id < last_id:
            self._sink.began_anew(uid)
        columns, rows = (int(one["size"]) for one in value["dimension"])
        stamp = value["timeStamp"]
        self._sink.heard("pva")
        self._sink.picture(
            uid,
            view,
            np.asarray(value["value"]).reshape(rows, columns),
            stamp["secondsPastEpoch"] + 1e-9 * stamp["nanoseconds"],
            "pva",
            int(number),
            attributes.get("angle_deg"),
            _known(attributes.get("place")),
        )


def _known(place: Any) -> int | None:
    return None if place is None or place < 0 else int(place)


def _connect(environment: Mapping[str, str] | None) -> Any:
    from p4p.client.thread import Context  # noqa: PLC0415 - a third of a second

    if environment is None:
        return Context("pva", nt=False)
    return Context("pva", conf=dict(environment), useenv=False, nt=False)
