"""Pictures of slices: a PNG for the report, and blocks for a terminal."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.text import Text

GAP = 12
CAPTION = 22


def to_gray(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Stretch between the 0.5 and 99.5 percentiles, as viewers do."""
    low, high = np.percentile(picture, [0.5, 99.5])
    scaled = (picture - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)


def save_picture(
    path: Path, panels: dict[str, NDArray[np.float32]], caption: str
) -> None:
    """Write panels side by side, each named, with one line below."""
    images = [Image.fromarray(to_gray(panel)) for panel in panels.values()]
    side = max(max(image.size) for image in images)
    scale = max(1, round(384 / side))
    images = [
        image.resize((image.width * scale, image.height * scale)) for image in images
    ]
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
