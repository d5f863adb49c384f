"""Pictures of slices: a PNG for the report, and blocks for a terminal."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.text import Text

from daiss_bluesky.core.errors import InputError

GAP = 12
CAPTION = 22
SHEET_SIDE = 192
PANEL_HEIGHT = 384
"""Of the tallest panel, at least; a multiple where that is sharper."""


def to_gray(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Stretch between the 0.5 and 99.5 percentiles, as viewers do."""
    low, high = np.percentile(picture, [0.5, 99.5])
    scaled = (picture - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)


def save_picture(
    path: Path, panels: dict[str, NDArray[np.float32]], caption: str
) -> None:
    """Write panels side by side and equally tall, each named, with one line below."""
    images = [Image.fromarray(to_gray(panel)) for panel in panels.values()]
    tallest = max(image.height for image in images)
    height = tallest * max(1, round(PANEL_HEIGHT / tallest))
    images = [_as_tall(image, height) for image in images]
    width = sum(image.width for image in images) + GAP * (len(images) + 1)
    height = max(image.height for image in images) + 2 * CAPTION + GAP
    sheet = Image.new("L", (width, height), 16)
    draw = ImageDraw.Draw(sheet)
    x = GAP
    for name, image in zip(panels, images, strict=True):
        draw.text((x, 6), name, fill=230)
        sheet.paste(image, (x, CAPTION))
        x += image.width + GAP
    draw.text((GAP, height - CAPTION), caption, fill=230)
    sheet.save(path)


def _as_tall(image: Image.Image, height: int) -> Image.Image:
    """Enlarge without blurring: pixels of a coarse map are to be seen.

    Less than so tall if it would be wider than twice that.
    """
    scale = min(height / image.height, 2 * height / image.width)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST)


def save_contact_sheet(
    path: Path, panels: Sequence[tuple[str, NDArray[np.float32]]], best: int
) -> None:
    """Write a grid of captioned pictures of one size; the best one is framed."""
    across = int(np.ceil(np.sqrt(len(panels))))
    height, width = panels[0][1].shape
    scale = SHEET_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cell = (size[0] + GAP, size[1] + CAPTION + GAP)
    down = -(-len(panels) // across)
    sheet = Image.new("L", (across * cell[0] + GAP, down * cell[1] + GAP), 16)
    draw = ImageDraw.Draw(sheet)
    for i, (caption, picture) in enumerate(panels):
        x, y = GAP + i % across * cell[0], GAP + i // across * cell[1]
        draw.text((x, y + 4), caption, fill=230)
        sheet.paste(Image.fromarray(to_gray(picture)).resize(size), (x, y + CAPTION))
        if i == best:
            corner = (x + size[0] + 1, y + CAPTION + size[1] + 1)
            draw.rectangle((x - 3, y - 1, *corner), outline=255, width=2)
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise InputError(f"picture {path} cannot be written: {error}") from None


def to_blocks(picture: NDArray[np.float32], columns: int = 64) -> Text:
    """Draw a slice with half blocks, two pixels a character."""
    image = Image.fromarray(to_gray(picture))
    rows = max(2, 2 * round(columns * image.height / image.width / 2))
    gray = np.asarray(image.resize((columns, rows)))
    text = Text()
    for upper, lower in zip(gray[::2], gray[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append(
                "▀",
                f"rgb({above},{above},{above}) on rgb({below},{below},{below})",
            )
        text.append("\n")
    return text
