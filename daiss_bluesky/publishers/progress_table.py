"""The progress table of a result: one row for each publication."""

import json
import math

import pyarrow as pa

from daiss_bluesky.core.reconstruction import Progress

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("time", pa.float64()),
        ("frames_expected", pa.int64()),
        ("frames_received", pa.int64()),
        ("frames_used", pa.int64()),
        ("frames_missing", pa.int64()),
        ("duplicates", pa.int64()),
        ("coverage", pa.float64()),
        ("lag_s", pa.float64()),
        ("newest_angle_deg", pa.float64()),
        ("center_px", pa.float64()),
        ("residual", pa.float64()),
        ("quality", pa.string()),
        ("parameters", pa.string()),
    ]
)
UNKNOWN_COUNT = -1
"""Where nothing says how many frames will come: an integer column has no NaN."""


def progress_row(
    number: int, time_s: float, progress: Progress, published_s: float
) -> bytes:
    """Encode one row as an Arrow file; unknown numbers are NaN, unknown counts -1."""
    newest_s, angle = progress.newest_time_s, progress.newest_angle_rad
    center = progress.parameters.get("center_px")
    values = {
        "number": number,
        "time": time_s,
        "frames_expected": _count(progress.frames_expected),
        "frames_received": progress.frames_received,
        "frames_used": progress.frames_used,
        "frames_missing": _count(progress.frames_missing),
        "duplicates": progress.duplicates,
        "coverage": progress.coverage,
        "lag_s": math.nan if newest_s is None else published_s - newest_s,
        "newest_angle_deg": math.nan if angle is None else math.degrees(angle),
        "center_px": math.nan if center is None else float(center),
        "residual": progress.quality.get("residual", math.nan),
        "quality": json.dumps(dict(progress.quality)),
        "parameters": json.dumps(dict(progress.parameters), default=str),
    }
    table = pa.Table.from_pylist([values], schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def schema_bytes() -> bytes:
    """Serialize the schema."""
    return bytes(SCHEMA.serialize())


def _count(value: int | None) -> int:
    return UNKNOWN_COUNT if value is None else value
