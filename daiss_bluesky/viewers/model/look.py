"""How a pane paints its pictures: map, scale, contrast, lock."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.viewers.model.colormaps import CYCLIC, INVERTED, default_for
from daiss_bluesky.viewers.model.contrast import Contrast, Levels


@dataclass(frozen=True, slots=True)
class Look:
    """What the user chose for one pane; kept with the layout."""

    colormap: str = "gray"
    scale: str = "linear"
    contrast: Contrast = field(default_factory=Contrast)
    locked: Levels | None = None
    """Levels that stay whatever comes; None follows `contrast`."""
    log_counts: bool = True
    """Of the histogram."""

    def inverted(self) -> str:
        """Name the same map the other way round."""
        plain = self.colormap.removesuffix(INVERTED)
        return plain if plain != self.colormap else plain + INVERTED

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Look":
        """Read `to_dict` back; InputError for names that are not known."""
        fields = dict(stored)
        contrast = dict(fields.pop("contrast", {}))
        if "fixed" in contrast:
            contrast["fixed"] = Levels(**contrast["fixed"])
        locked = fields.pop("locked", None)
        return cls(
            contrast=Contrast(**contrast),
            locked=None if locked is None else Levels(**locked),
            **fields,
        )


def default_look(view: str, pixels: NDArray[Any] | None = None) -> Look:
    """Give the look of a view that nobody chose one for.

    Phase that wraps needs a cyclic map over the whole circle, in which a weak one would
    not be seen: that is painted in gray.
    """
    colormap = default_for(view)
    if colormap == CYCLIC:
        if pixels is not None and not _wraps(pixels):
            return Look()
        fixed = Contrast("fixed", fixed=Levels(-math.pi, math.pi))
        return Look(colormap, contrast=fixed)
    if view == "diffraction":
        return Look(colormap, "log", Contrast("range"))
    return Look(colormap)


def _wraps(phase_rad: NDArray[Any]) -> bool:
    levels = Contrast().levels(phase_rad)
    return max(-levels.low, levels.high) > math.pi / 2
