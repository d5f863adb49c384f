"""Names of the PVs that results are served under."""

TOMOGRAPHY_VIEWS = ("slice_xy", "slice_xz", "slice_yz", "projection")


def pv_name(view: str) -> str:
    """Name a view's PV behind the prefix: slice_xy is Recon:SliceXY."""
    words = (
        word.upper() if set(word) <= set("xyz") else word.capitalize()
        for word in view.split("_")
    )
    return "Recon:" + "".join(words)
