"""Letters of plates as masks, without any font of the system.

Digits and Latin letters come from the font that Pillow carries (Aileron, CC0). It has neither Đ
nor Chinese characters, so Đ is a barred D and the few characters that our plates need are drawn
from strokes written down here by hand: recognisable forms, not any typeface's outline.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_Stroke = tuple[tuple[int, int], ...]

_KEI: Final[tuple[_Stroke, ...]] = (  # 圭, the right half of 桂 and 挂
    ((55, 21), (92, 21)),
    ((73, 6), (73, 44)),
    ((50, 44), (97, 44)),
    ((55, 66), (92, 66)),
    ((73, 51), (73, 91)),
    ((48, 91), (99, 91)),
)

STROKES: Final[dict[str, tuple[_Stroke, ...]]] = {
    "桂": (
        ((4, 30), (46, 30)),
        ((25, 5), (25, 96)),
        ((25, 32), (17, 50), (4, 66)),
        ((26, 38), (34, 49), (44, 58)),
        *_KEI,
    ),
    "挂": (
        ((4, 28), (44, 28)),
        ((26, 5), (26, 88), (20, 93), (12, 86)),
        ((3, 64), (44, 48)),
        *_KEI,
    ),
    "云": (
        ((22, 16), (79, 16)),
        ((5, 43), (95, 43)),
        ((45, 45), (32, 68), (19, 86), (82, 80)),
        ((62, 62), (76, 78), (87, 95)),
    ),
    "川": (
        ((19, 10), (19, 55), (15, 75), (7, 93)),
        ((50, 14), (50, 80)),
        ((83, 8), (83, 95)),
    ),
}
"""Strokes on a grid of 100 by 100, y downwards."""

DRAWABLE: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZĐ-.·") | frozenset(STROKES)

_OVERSAMPLE: Final = 4
_STROKE_WIDTH: Final = 9  # of 100: about the weight of the digits beside it


@lru_cache(maxsize=512)
def mask(char: str, height_px: int) -> Image.Image:
    """An `L` image of `char` with the cap height `height_px`, as wide as the character.

    A character outside `DRAWABLE` gives an empty box: better than a wrong character.
    """
    if char in STROKES:
        return _from_strokes(STROKES[char], height_px)
    if char == "·":
        return _dot(height_px, 0.5)
    if char == ".":
        return _dot(height_px, 0.88)
    if char not in DRAWABLE:
        return _box(height_px)
    image = _from_font("D" if char == "Đ" else char, height_px)
    if char == "Đ":
        return _barred(image, height_px)
    return image


@lru_cache(maxsize=16)
def _font(height_px: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    # Aileron's capitals are 0.70 of its nominal size.
    return ImageFont.load_default(round(height_px / 0.70))


def _from_font(char: str, height_px: int) -> Image.Image:
    font, weight = _font(height_px), max(1, height_px // 28)
    left, top, right, bottom = font.getbbox("H" + char + "H")
    wide = Image.new("L", (round(right - left) + 4 * weight, round(bottom) + 4 * weight), 0)
    left, _, right, _ = font.getbbox(char)
    draw = ImageDraw.Draw(wide)
    draw.text((2 * weight - left, weight), char, fill=255, font=font, stroke_width=weight)
    ink = (0, round(top), round(right - left) + 3 * weight, round(top) + height_px + 3 * weight)
    return wide.crop(ink).resize((max(1, ink[2]), height_px), Image.Resampling.BILINEAR)


def _from_strokes(strokes: tuple[_Stroke, ...], height_px: int) -> Image.Image:
    size = height_px * _OVERSAMPLE
    image = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(image)
    scale = size / 100
    width = round(_STROKE_WIDTH * scale)
    for stroke in strokes:
        points = [(x * scale, y * scale) for x, y in stroke]
        draw.line(points, fill=255, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            radius = width / 2
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return image.resize((height_px, height_px), Image.Resampling.LANCZOS)


def _barred(image: Image.Image, height_px: int) -> Image.Image:
    pad = height_px // 7
    barred = Image.new("L", (image.width + pad, height_px), 0)
    barred.paste(image, (pad, 0))
    thick = max(2, height_px // 9)
    middle = height_px // 2
    box = (0, middle - thick // 2, pad + image.width // 2, middle + thick // 2)
    ImageDraw.Draw(barred).rectangle(box, fill=255)
    return barred


def _dot(height_px: int, at: float) -> Image.Image:
    side = max(2, height_px // 6)
    image = Image.new("L", (side * 2, height_px), 0)
    top = round(height_px * at - side / 2)
    ImageDraw.Draw(image).ellipse((side // 2, top, side // 2 + side, top + side), fill=255)
    return image


def _box(height_px: int) -> Image.Image:
    image = Image.new("L", (round(height_px * 0.7), height_px), 0)
    edge = max(1, height_px // 12)
    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, height_px - 1), outline=255, width=edge)
    return image
