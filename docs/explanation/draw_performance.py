"""Draw docs/images/performance.png: error against time of every way and peer.

Takes what the benchmark printed, of one run or of several:
daiss bench tomography --peers --json > bench.json
python docs/explanation/draw_performance.py bench.json
"""

import json
import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

OUTPUT = Path(__file__).parents[1] / "images" / "performance.png"
PANEL, LEFT, TOP, BOTTOM = (470, 340), 60, 34, 44
INK, PALE, OURS, PEER = "#222222", "#dddddd", "#c0392b", "#2c6e9b"
RADIUS, GAP = 5, 15
TICKS = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5)]
TITLES = {
    "A": "A: 256^3, 400 angles",
    "B": "B: 512^3, 720 angles",
    "C": "C: 16 x 2048^2, 1500 angles",
}


def panel(rows, title):
    """One case: time to the right, error up, both logarithmic."""
    image = Image.new("RGB", PANEL, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    times, errors = ([row[key] for row in rows] for key in ("ms_per_slice", "error"))
    # Names stand to the right of their points.
    low_x, high_x = min(times) / 1.5, max(times) * 8
    low_y, high_y = min(errors) / 1.15, max(errors) * 1.15
    right, bottom = PANEL[0] - 10, PANEL[1] - BOTTOM

    def place(time_ms, error):
        x = math.log(time_ms / low_x) / math.log(high_x / low_x)
        y = math.log(error / low_y) / math.log(high_y / low_y)
        return LEFT + x * (right - LEFT), bottom - y * (bottom - TOP)

    for tick in TICKS:
        if low_x <= tick <= high_x:
            x, _ = place(tick, low_y)
            draw.line([x, TOP, x, bottom], PALE)
            draw.text((x, bottom + 4), f"{tick:g}", INK, font, "ma")
    for tick in (
        value * 1e-3 for value in (5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
    ):
        if low_y <= tick <= high_y:
            _, y = place(low_x, tick)
            draw.line([LEFT, y, right, y], PALE)
            draw.text((LEFT - 6, y), f"{tick:.3f}", INK, font, "rm")
    draw.rectangle([LEFT, TOP, right, bottom], outline=INK)
    draw.text((LEFT, 8), title, INK, ImageFont.load_default(15))
    draw.text((right, PANEL[1] - 18), "ms a slice", INK, font, "ra")
    draw.text((right, 12), "error", INK, font, "ra")
    points = [place(row["ms_per_slice"], row["error"]) for row in rows]
    marks(draw, font, list(zip(points, rows, strict=True)))
    return image


def marks(draw, font, placed):
    """Points and their names, each name below what it would hide."""
    taken = [(x - RADIUS, x + RADIUS, y) for (x, y), _ in placed]
    for (x, y), row in sorted(placed, key=lambda one: one[0][1]):
        color = OURS if row["name"].startswith("daiss") else PEER
        draw.ellipse([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS], color)
        name = row["name"].removeprefix("daiss:")
        name = name.removesuffix(", padded, as it comes") + ", plain" * (
            "as it comes" in name
        )
        begin, at = x + RADIUS + 4, y
        end = begin + font.getlength(name)
        while any(
            begin < right and left < end and abs(at - other) < GAP
            for left, right, other in taken
        ):
            at += 1
        taken.append((begin, end, at))
        draw.text((begin, at), name, color, font, "lm")


def main():
    """Read, draw, and put the cases side by side."""
    rows = [
        row
        for name in sys.argv[1:]
        for row in json.loads(Path(name).read_text().splitlines()[-1])["rows"]
        if "missing" not in row
    ]
    cases = sorted({row["case"] for row in rows})
    whole = Image.new("RGB", (PANEL[0] * len(cases), PANEL[1]), "white")
    for i, case in enumerate(cases):
        own = [row for row in rows if row["case"] == case]
        whole.paste(panel(own, TITLES.get(case, case)), (i * PANEL[0], 0))
    whole.save(OUTPUT, optimize=True)


if __name__ == "__main__":
    main()
