"""Draw docs/images/savu.png: a measured scan as it comes, and corrected.

Needs the measured scan: DAISS_DATA=... python docs/explanation/draw_savu.py
"""

import os
from pathlib import Path

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.cli.picture import save_picture
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.readers import open_scan

NAME = "tomo_savu_image_test.npz"
OUTPUT = Path(__file__).parents[1] / "images" / "savu.png"
SLICE = 105


def main():
    """Reconstruct with nothing but flat and dark, then with everything, and draw."""
    scan = open_scan(Path(os.environ.get("DAISS_DATA", "../shared/data")) / NAME)
    ways = {
        "detector's middle, no repair": FbpAlgorithm(
            center_px=80.0, dead_pixels=False, zingers=False
        ),
        "center found": FbpAlgorithm(),
        "center found, rings removed": FbpAlgorithm(stripes="sorting"),
    }
    panels = {}
    for name, algorithm in ways.items():
        final = reconstruct_scan(scan, algorithm)
        panels[name] = final.arrays["volume"][SLICE]
        print(f"{name}: center {final.progress.parameters['center_px']:.2f} px")
    save_picture(OUTPUT, panels, f"slice {SLICE} of {NAME}, 91 projections")


if __name__ == "__main__":
    main()
