"""Draw what a plate camera sees: the plate, and the front of the truck in its lane.

Drawing is a function of its arguments alone (dirt is placed by a generator seeded with the text),
so one run gives one set of pictures. A scene takes a few milliseconds: backgrounds, glyphs and
noise are drawn once.
"""

from __future__ import annotations

import io
import random
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageColor, ImageDraw, ImageEnhance

from twin.documents import glyphs
from twin.documents.errors import DocumentError
from twin.documents.plates import check_plate

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

SCENE_PX: Final = (640, 360)
_PLATE_PX: Final = (440, 110)
"""About the 4 : 1 of a Chinese truck's front plate; the Vietnamese one (520 by 110 mm) is wider."""

_COLOURS: Final = {
    "yellow": ((246, 196, 32), (16, 16, 16)),
    "white": ((240, 240, 236), (16, 16, 16)),
    "blue": ((24, 74, 170), (244, 244, 244)),
    "red": ((180, 24, 28), (244, 244, 244)),
    "green": ((96, 190, 120), (16, 16, 16)),
}


@dataclass(frozen=True, slots=True)
class View:
    """What the light and the weather do: dirt 0 to 1, daylight 0 to 1, rain in mm/h."""

    dirt: float = 0.0
    daylight: float = 1.0
    rain_mm_h: float = 0.0


CLEAR: Final = View()


def plate_image(text: str, view: View = CLEAR, width_px: int = 220) -> Image.Image:
    """The plate on its own, `width_px` wide; a text that is no plate is drawn in white."""
    image = _clean_plate(text)
    if view.dirt > 0.02:
        image = _dirty(image, text, view.dirt)
    if view.daylight < 0.9:  # infra-red light keeps plates readable at night, with less contrast
        image = ImageEnhance.Contrast(image).enhance(0.6 + 0.4 * view.daylight)
    return image.resize((width_px, width_px * image.height // image.width), Image.Resampling.BOX)


def scene_image(
    text: str | None, view: View = CLEAR, *, colour: str = "white", caption: str = ""
) -> tuple[Image.Image, Box]:
    """The lane with the truck that carries plate `text` (None: empty lane), and the plate's box."""
    night = round(min(1.0, max(0.0, view.daylight)) * 4)
    scene = _background(night, view.rain_mm_h > 0.5).copy()
    box: Box = (0, 0, 0, 0)
    if text is not None:
        scene.paste(_truck(_rgb(colour), night), (190, 60))
        plate = plate_image(text, view, 124)
        x, y = (SCENE_PX[0] - plate.width) // 2, 286
        scene.paste(plate, (x, y))
        box = (x, y, plate.width, plate.height)
    if caption:
        ImageDraw.Draw(scene).text((8, 6), caption, fill=(255, 255, 255), font_size=14)
    return scene, box


def jpeg(image: Image.Image, quality: int = 75) -> bytes:
    """The picture as JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _rgb(colour: str) -> tuple[int, int, int]:
    try:
        red, green, blue = ImageColor.getrgb(colour)[:3]
    except ValueError:
        return (200, 200, 200)
    return red, green, blue


def _plate_form(text: str) -> tuple[str, str]:
    try:
        plate = check_plate(text)
    except DocumentError:
        return text, "white"
    return plate.printed, plate.colour


@lru_cache(maxsize=64)
def _clean_plate(text: str) -> Image.Image:
    printed, colour = _plate_form(text)
    ground, ink = _COLOURS[colour]
    image = Image.new("RGB", _PLATE_PX, ground)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((3, 3, _PLATE_PX[0] - 4, _PLATE_PX[1] - 4), 12, outline=ink, width=3)
    masks = [glyphs.mask(char, 74) for char in printed]
    gap = 7
    width = sum(mask.width for mask in masks) + gap * (len(masks) - 1)
    row = Image.new("L", (max(1, width), 74), 0)
    x = 0
    for mask in masks:
        row.paste(mask, (x, 0))
        x += mask.width + gap
    if width > _PLATE_PX[0] - 28:  # ten characters stand closer on the metal too
        row = row.resize((_PLATE_PX[0] - 28, 74), Image.Resampling.BILINEAR)
    at = ((_PLATE_PX[0] - row.width) // 2, (_PLATE_PX[1] - 74) // 2)
    image.paste(ink, (at[0], at[1], at[0] + row.width, at[1] + 74), row)
    return image


def _dirty(clean: Image.Image, text: str, dirt: float) -> Image.Image:
    image = clean.copy()
    rng = random.Random(zlib.crc32(text.encode()))
    mud = Image.new("L", image.size, round(40 * dirt))
    draw = ImageDraw.Draw(mud)
    for _ in range(round(60 * dirt)):
        x, y = rng.randrange(image.width), rng.randrange(image.height)
        radius = rng.randint(3, 10 + round(14 * dirt))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=rng.randint(60, 230))
    image.paste((104, 84, 60), (0, 0), mud)
    return image


@lru_cache(maxsize=16)
def _background(night: int, rain: bool) -> Image.Image:
    light = 0.25 + 0.1875 * night
    width, height = SCENE_PX
    image = Image.new("RGB", SCENE_PX, _shade((150, 182, 214), light))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 150, width, height), fill=_shade((92, 94, 98), light))
    draw.polygon(
        ((250, 150), (390, 150), (600, height), (40, height)), fill=_shade((74, 76, 80), light)
    )
    for near, far in ((40, 250), (600, 390)):
        draw.line((far, 150, near, height), fill=_shade((220, 200, 60), light), width=5)
    draw.rectangle((520, 60, 630, 210), fill=_shade((170, 150, 120), light))  # the booth
    draw.rectangle((540, 80, 610, 130), fill=_shade((90, 120, 140), light))
    if rain:
        rng = random.Random(7)
        for _ in range(220):
            x, y = rng.randrange(width), rng.randrange(height)
            draw.line((x, y, x - 3, y + 14), fill=_shade((190, 196, 204), light))
    return image


@lru_cache(maxsize=64)
def _truck(colour: tuple[int, int, int], night: int) -> Image.Image:
    """A cab from the front, 260 by 290 pixels, on nothing but its own bounds."""
    light = 0.25 + 0.1875 * night
    image = Image.new("RGB", (260, 290), _shade((50, 50, 54), light))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((6, 4, 254, 276), 18, fill=_shade(colour, light))
    draw.rounded_rectangle((22, 26, 238, 118), 10, fill=_shade((60, 84, 100), light))
    draw.rectangle((60, 140, 200, 205), fill=_shade((40, 42, 46), light))
    for y in range(146, 204, 12):
        draw.line((64, y, 196, y), fill=_shade((120, 122, 126), light), width=3)
    lamp = (255, 250, 214) if night < 3 else (210, 214, 216)
    for x in (16, 206):
        draw.rounded_rectangle((x, 180, x + 38, 212), 8, fill=lamp)
    draw.rectangle((6, 218, 254, 276), fill=_shade((58, 60, 64), light))
    return image


def _shade(colour: tuple[int, int, int], light: float) -> tuple[int, int, int]:
    red, green, blue = colour
    return round(red * light), round(green * light), round(blue * light)
