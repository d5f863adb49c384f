"""One clock for motion, camera and file: Unix seconds that never jump."""

import time

EPICS_EPOCH_S = 631152000
"""1990-01-01 in Unix seconds, where EPICS time stamps begin."""

_OFFSET_S = time.time() - time.monotonic()


def now_s() -> float:
    """Tell the time in Unix seconds; steps of the system clock do not show."""
    return time.monotonic() + _OFFSET_S
