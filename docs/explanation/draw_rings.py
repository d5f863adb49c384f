"""Draw docs/images/rings.png: a slice with rings, by sorting, and combined.

Needs the measured sinogram: DAISS_DATA=... python docs/explanation/draw_rings.py
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates, median_filter

from daiss_bluesky.algorithms.preprocessing_parameters import PreprocessingParameters
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.stripes import remove_stripes, stripe_image

EMPTY_BEAM, LEAST_TRANSMISSION = 47_000.0, 0.01
CENTER_PX = 245.5
NAME = "tomo_stripes_sinogram_neutron.tif"
OUTPUT = Path(__file__).parents[1] / "images" / "rings.png"
SHOWN = np.s_[90:410, 80:400]
"""Rows and columns around the sample."""


def reconstruct(p):
    """One slice from attenuation (angle, 1, column) over a full turn."""
    n_angles, _, n = p.shape
    blocks = Blocks(1, n)
    volume = blocks.zeros()
    q = filter_projections(p, np.full(n_angles, np.pi / n_angles), blocks)
    angles_rad = np.arange(n_angles) * 2 * np.pi / n_angles
    backproject(q, angles_rad, CENTER_PX, volume)
    return to_volume(volume, 1, scale=1.0)[0]


def ring_energy(found):
    """Mean square of what is narrow in radius and alike over a quarter turn."""
    n = len(found)
    r = np.arange(3, n / 2 - 3)[:, None]
    phi = np.arange(720) * np.pi / 360
    points = [(n - 1) / 2 + r * np.sin(phi), (n - 1) / 2 + r * np.cos(phi)]
    polar = map_coordinates(found, points, order=1)
    narrow = polar - median_filter(polar, (15, 1), mode="nearest")
    return np.mean(np.median(narrow.reshape(len(r), 4, 180), axis=2) ** 2)


def main():
    """Correct, reconstruct, print the energy of the rings, and draw."""
    path = Path(os.environ.get("DAISS_DATA", "../shared/data")) / NAME
    with Image.open(path) as image:
        counts = np.asarray(image, dtype=np.float32)
    t = np.maximum(counts / EMPTY_BEAM, LEAST_TRANSMISSION)
    p = -np.log(t)[:, None]
    before = reconstruct(p)
    slices = {"none": before}
    stripes = stripe_image(
        p.mean(axis=0), PreprocessingParameters().mean_window_px(p.shape[2])
    )
    slices["mean"] = reconstruct(p - stripes)
    for method in ("sorting", "combined"):
        found = p.copy()
        windows = PreprocessingParameters(stripes=method).sorting_windows_px(p.shape[2])
        remove_stripes(found, *windows)
        slices[method] = reconstruct(found)
    for name, found in slices.items():
        print(f"{name:>9}  ring energy {ring_energy(found) / ring_energy(before):.4f}")
    low, high = np.percentile(before, [1, 99.5])
    shown = [slices[name][SHOWN] for name in ("none", "combined")]
    gray = np.clip((np.hstack(shown) - low) / (high - low), 0, 1)
    Image.fromarray((255 * gray**0.7).astype(np.uint8)).save(OUTPUT, optimize=True)


if __name__ == "__main__":
    main()
