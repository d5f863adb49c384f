"""Derive the frozen table of PVs from the client classes that have to connect.

`python -m daiss_devices.twin.generate_pv_table` rewrites pv_table.json. The names come
from classic ophyd, types and choices from ophyd-async where it has the same PV, and
the motor's fields from caproto's description of the record. The twin itself reads
only the table, so that it starts without importing any of them.
"""

import json
import re
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from caproto import ChannelType
from caproto.server.records import MotorFields
from ophyd import Device, DynamicDeviceComponent
from ophyd.areadetector.cam import SimDetectorCam
from ophyd.areadetector.plugins import (
    HDF5Plugin_V34,
    ImagePlugin_V34,
    PvaPlugin_V34,
)
from ophyd_async.epics import adcore

from daiss_devices.twin.pv_table import PATH, PvSpec
from daiss_devices.twin.pv_types import (
    DOUBLES,
    ENUMS,
    LONG_TEXTS,
    LONGS,
    TEXTS,
    WAVEFORMS,
)

_RECORD_KINDS = {
    "bo": "enum",
    "bi": "enum",
    "busy": "enum",
    "ao": "double",
    "ai": "double",
    "calc": "double",
    "stringin": "string",
    "stringout": "string",
    "waveform": "text",
    "longin": "long",
    "longout": "long",
}
_YES_NO = ["No", "Yes"]


def classic_components() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """List (PV, signal class, its arguments, its documentation) of classic ophyd."""
    yield from _walk(SimDetectorCam, "cam1:")
    yield from _walk(HDF5Plugin_V34, "HDF1:")
    yield from _walk(PvaPlugin_V34, "Pva1:")
    yield from _walk(ImagePlugin_V34, "image1:")


def _walk(cls: Any, prefix: str) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for component in cls._sig_attrs.values():
        if isinstance(component, DynamicDeviceComponent):
            for signal, suffix, arguments in component.defn.values():
                yield prefix + suffix, signal.__name__, arguments, ""
        elif issubclass(component.cls, Device):
            yield from _walk(component.cls, prefix + (component.suffix or ""))
        elif component.suffix is not None:
            yield (
                prefix + component.suffix,
                component.cls.__name__,
                component.kwargs,
                component.doc or "",
            )


def async_types() -> dict[str, Any]:
    """Give the Python type of each PV that ophyd-async knows."""
    found: dict[str, Any] = {}
    for prefix, cls in (
        ("cam1:", adcore.ADBaseIO),
        ("HDF1:", adcore.NDFileHDF5IO),
        ("Pva1:", adcore.NDPluginBaseIO),
    ):
        for hint in typing.get_type_hints(cls, include_extras=True).values():
            if typing.get_origin(hint) is not typing.Annotated:
                continue
            signal, *extras = typing.get_args(hint)
            types = typing.get_args(signal)
            for extra in extras:
                for name in (
                    getattr(extra, "read_suffix", None),
                    getattr(extra, "write_suffix", None),
                ):
                    if name and types:
                        found[prefix + name] = types[0]
    return found


def area_detector_table() -> dict[str, PvSpec]:
    """Build the entries of camera and plugins."""
    known = async_types()
    table: dict[str, PvSpec] = {}
    for pv, signal, arguments, doc in classic_components():
        read_only = signal.endswith("RO")
        if "WithRBV" in signal:
            names = {pv: False, f"{pv}_RBV": True}
        else:
            names = {pv: read_only}
        for name, ro in names.items():
            table.setdefault(name, _spec(name, known, arguments, doc, ro))
    for name in known:
        read_only = name.endswith("_RBV")
        table.setdefault(name, _spec(name, known, {}, "", read_only))
    return dict(sorted(table.items()))


def _spec(
    name: str, known: dict[str, Any], arguments: dict[str, Any], doc: str, ro: bool
) -> PvSpec:
    base = name.partition(":")[2].removesuffix("_RBV")
    for names, kind in (
        (ENUMS, "enum"), (LONG_TEXTS, "text"), (TEXTS, "string"),
        (WAVEFORMS, "longs"), (LONGS, "long"),
    ):  # fmt: skip
        if base in names:
            return PvSpec(kind, ENUMS.get(base, []), ro)
    if (typed := _async_spec(known.get(name, known.get(f"{name}_RBV")))) is not None:
        return PvSpec(typed.kind, typed.choices, ro)
    return _documented_spec(base, arguments, doc, ro)


def _documented_spec(
    base: str, arguments: dict[str, Any], doc: str, ro: bool
) -> PvSpec:
    """Read what ophyd's documentation of the component says."""
    choices = re.findall(r"\d+=(?:'([^']*)'|(\S+))", doc)
    if len(choices) > 1:
        return PvSpec("enum", [quoted or bare for quoted, bare in choices], ro)
    if re.search(DOUBLES, base):
        return PvSpec("double", [], ro)
    record = re.search(r"\[\S+ (?:r/w|r/o|N/A) (\w+)\]", doc)
    kind = _RECORD_KINDS.get(record[1] if record else "", "long")
    if kind == "long" and arguments.get("string"):
        kind = "string"
    return PvSpec(kind, _YES_NO if kind == "enum" else [], ro)


def _async_spec(kind: Any) -> PvSpec | None:
    if kind is None:
        return None
    if isinstance(kind, type) and issubclass(kind, Enum):
        return PvSpec("enum", [str(choice.value) for choice in kind], False)
    names = {bool: "enum", int: "long", float: "double", str: "string"}
    if kind not in names:
        return None
    return PvSpec(names[kind], _YES_NO if kind is bool else [], False)


def motor_table() -> dict[str, PvSpec]:
    """Build the entries of a motor record's fields."""
    kinds = {
        ChannelType.DOUBLE: "double",
        ChannelType.FLOAT: "double",
        ChannelType.ENUM: "enum",
        ChannelType.STRING: "string",
        ChannelType.CHAR: "string",
    }
    table: dict[str, PvSpec] = {}
    for member in MotorFields._pvs_.values():
        spec = member.pvspec
        native = getattr(spec.dtype, "data_type", spec.dtype)
        kind = kinds.get(native, "long")
        choices = list(spec.cls_kwargs.get("enum_strings") or [])
        if kind == "enum" and len(choices) < 2:  # noqa: PLR2004
            kind, choices = "string", []
        table[spec.name.lstrip(".")] = PvSpec(kind, choices, bool(spec.read_only))
    for name, choices in (
        ("FOFF", ["Variable", "Frozen"]),
        ("SET", ["Use", "Set"]),
        ("DIR", ["Pos", "Neg"]),
        ("SPMG", ["Stop", "Pause", "Move", "Go"]),
    ):
        table[name] = PvSpec("enum", choices, False)
    for name in ("PROC", "STOP", "PACT", "UDF", "DISP", "LCNT", "RPRO", "TPRO"):
        table[name] = PvSpec("long", [], False)
    table["RTYP"] = PvSpec("string", [], True)
    table.pop("VAL", None)
    return dict(sorted(table.items()))


def document() -> dict[str, Any]:
    """Make the whole table."""
    return {
        "about": "PVs of the twin; written by generate_pv_table.py, not by hand",
        "area_detector": {k: v.as_list() for k, v in area_detector_table().items()},
        "motor": {k: v.as_list() for k, v in motor_table().items()},
    }


def main() -> None:
    """Write the table."""
    PATH.write_text(one_line_a_pv(document()), encoding="utf-8")


def one_line_a_pv(document: dict[str, Any]) -> str:
    """Format the table so that a change of one PV shows as one line."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict):
            rows = (f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            body = "{\n" + ",\n".join(rows) + "\n }"
        else:
            body = json.dumps(value)
        parts.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
