"""A few lines of Python that read the same array from Tiled."""

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.model.picture import Picture

MADE_HERE = frozenset({"sinogram"})
"""Views that the viewer works out itself: no array of Tiled holds them."""
_VOLUME_AXES = ("z", "y", "x")
_TEMPLATE = """import os

from tiled.client import from_uri

root = from_uri({uri!r}, api_key=os.environ.get("TILED_API_KEY"))
# {note}
pixels = root[{path!r}]{read}
"""


def python_snippet(uri: str, picture: Picture, *, finished: bool = False) -> str:
    """Write it; slices of a finished result come from its volume.

    A view of a running result is overwritten by the next update: the snippet says
    which one was on the screen. InputError for a view that Tiled does not hold.
    """
    if picture.view in MADE_HERE:
        raise InputError(
            f"the {picture.view} is worked out by the viewer: no array of Tiled has it"
        )
    root = f"{RECON_PATH.strip('/')}/{picture.result_uid}"
    across = _across(picture)
    if finished and across is not None:
        place = [":", ":", ":"]
        place[across] = str(picture.place)
        return _TEMPLATE.format(
            uri=uri,
            path=f"{root}/volume",
            read=f"[{', '.join(place)}]",
            note=f"{picture.view}, rows along {picture.rows_along},"
            f" columns along {picture.columns_along}",
        )
    return _TEMPLATE.format(
        uri=uri,
        path=f"{root}/live/{picture.view}",
        read=".read()",
        note=f"update {picture.number}; the next one replaces it",
    )


def _across(picture: Picture) -> int | None:
    """Which axis of the volume a slice is across; None for what is no slice."""
    rest = [
        n
        for n, axis in enumerate(_VOLUME_AXES)
        if axis not in {picture.rows_along, picture.columns_along}
    ]
    is_slice = picture.view.startswith("slice_") and picture.place is not None
    return rest[0] if is_slice and len(rest) == 1 else None
