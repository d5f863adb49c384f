"""What several commands take, and commands whose options are a dataclass's fields."""

import os
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import typer

from daiss_bluesky.core.errors import InputError

Options = TypeVar("Options")

State = Annotated[
    Path | None,
    typer.Option(help="state directory (default: DAISS_STATE or your own)"),
]
Json = Annotated[
    bool, typer.Option("--json", help="print one JSON object on the last line")
]
ScanFile = Annotated[
    Path, typer.Argument(help="npz, DXchange, NXtomo or areaDetector file")
]


def with_options(
    kind: type[Options],
) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Make a command of a function that takes a dataclass.

    Each field annotated as typer annotates parameters becomes an option.
    """
    hints = get_type_hints(kind, include_extras=True)
    parameters = [
        Parameter(
            one.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if one.default is MISSING else one.default,
            annotation=hints[one.name],
        )
        for one in fields(kind)  # type: ignore[arg-type]
        if get_origin(hints[one.name]) is Annotated
    ]

    def decorate(run: Callable[[Options], None]) -> Callable[..., None]:
        @wraps(run)
        def command(**given: Any) -> None:
            run(kind(**given))

        command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {}
        return command

    return decorate


def check_picture(picture: Path | None, *, makes_folder: bool = False) -> None:
    """Refuse at the start a picture that could not be written at the end."""
    if picture is None:
        return
    if picture.suffix.lower() != ".png":
        raise InputError(f"--picture {picture}: a name that ends in .png is expected")
    folder = picture.absolute().parent
    while makes_folder and not folder.exists():
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InputError(f"--picture {picture}: {folder} is no folder to write to")
