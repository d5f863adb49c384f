"""Draw docs/images/ptychography.png: a measured scan after 64 frames, and at its end.

Needs the measured scan: DAISS_DATA=... python docs/explanation/draw_ptychography.py
"""

import os
from pathlib import Path

import numpy as np

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.cli.picture import save_picture
from daiss_bluesky.engine.inline import reconstruct_scan, sample_batches
from daiss_bluesky.readers import open_diffraction

NAME = "ptycho_siemens_star.npz"
OUTPUT = Path(__file__).parents[1] / "images" / "ptychography.png"
FIRST = 64


def after_first_frames(scan, algorithm):
    """Give the phase when so many frames have come, in the object's final size."""
    live = algorithm.start(scan.scan, scan.frame_shape)
    for batch in sample_batches(scan, np.arange(FIRST)):
        live.add(batch)
    return live.views()["object_phase"]


def main():
    """Reconstruct with nothing known of the probe, and draw."""
    path = Path(os.environ.get("DAISS_DATA", "../shared/data")) / NAME
    scan = open_diffraction(path)
    algorithm = RpieAlgorithm()
    panels = {f"phase after {FIRST} frames": after_first_frames(scan, algorithm)}
    final = reconstruct_scan(scan, algorithm)
    panels["phase at the end"] = final.views["object_phase"]
    panels["amplitude"] = final.views["object_amplitude"]
    modes = np.abs(final.arrays["probe"])
    panels["three probe modes"] = np.concatenate(
        [mode / mode.max() for mode in modes]
    ).astype(np.float32)
    quality = final.progress.quality
    print(
        f"residual {quality['residual']:.4f},"
        f" half period {quality['frc_half_period_px']:.2f} px,"
        f" {final.progress.step} passes, {final.progress.parameters}"
    )
    save_picture(OUTPUT, panels, f"{NAME}, {final.progress.frames_used} frames")


if __name__ == "__main__":
    main()
