"""Pictures: deterministic, without system fonts, quick, and readable by an independent reader."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time

import pytest
from PIL import Image

from twin.documents import draw, glyphs


def _hash(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_pictures_depend_on_arguments_alone() -> None:
    """The same arguments give the same pixels; dirt, light and text each change them."""
    view = draw.View(dirt=0.4, daylight=0.3, rain_mm_h=3)
    first, box = draw.scene_image("14C12345", view, colour="red", caption="in-1")
    again, _ = draw.scene_image("14C12345", view, colour="red", caption="in-1")
    assert _hash(first) == _hash(again)
    x, y, width, height = box
    assert 0 < x < x + width <= draw.SCENE_PX[0]
    assert 0 < y < y + height <= draw.SCENE_PX[1]
    clean = _hash(draw.plate_image("14C12345"))
    others = {
        _hash(draw.plate_image("14C12346")),
        _hash(draw.plate_image("14C12345", draw.View(dirt=0.5))),
        _hash(draw.plate_image("14C12345", draw.View(daylight=0.0))),
    }
    assert len(others) == 3
    assert clean not in others


@pytest.mark.slow
def test_pictures_do_not_depend_on_the_process() -> None:
    """Another process with another hash seed draws the same pixels."""
    program = (
        "import hashlib; from twin.documents import draw; "
        "i, _ = draw.scene_image('桂P1234挂', draw.View(0.5, 0.2, 9), colour='navy'); "
        "print(hashlib.sha256(i.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    here, _ = draw.scene_image("桂P1234挂", draw.View(0.5, 0.2, 9), colour="navy")
    assert done.stdout.strip() == _hash(here)


def test_every_character_we_make_can_be_drawn() -> None:
    """All characters that our makers use have a form of their own, unlike the empty box."""
    box = _hash(glyphs.mask("港", 60))
    for char in "0123456789ABCDEFGHKLMNPRSTUVXYZĐ桂云川挂":
        assert _hash(glyphs.mask(char, 60)) != box, char
    assert _hash(glyphs.mask("·", 60)) != _hash(glyphs.mask(".", 60))
    assert _hash(glyphs.mask("Đ", 60)) != _hash(glyphs.mask("D", 60))
    assert _hash(glyphs.mask("桂", 60)) != _hash(glyphs.mask("挂", 60))


def test_an_empty_lane_has_no_plate() -> None:
    """Without a vehicle the plate's box is empty and the lane is still a picture."""
    image, box = draw.scene_image(None)
    assert box == (0, 0, 0, 0)
    assert image.size == draw.SCENE_PX


@pytest.mark.parametrize("text", ["", "unknown", "港Z9", "no such colour"])
def test_any_text_can_be_drawn(text: str) -> None:
    """A text that is no plate is drawn too: the camera must not die of a strange vehicle."""
    assert draw.plate_image(text).width == 220
    assert draw.scene_image(text, colour=text)[0].size == draw.SCENE_PX


def test_jpeg_is_jpeg() -> None:
    """The JPEG decodes to the size that was drawn."""
    data = draw.jpeg(draw.scene_image("14C12345")[0])
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", draw.SCENE_PX)


@pytest.mark.slow
def test_a_scene_is_cheap() -> None:
    """A scene with its JPEG takes a few milliseconds once backgrounds are drawn."""
    draw.jpeg(draw.scene_image("14C00000")[0])
    best = 1.0
    for number in range(30):
        begin = time.perf_counter()
        draw.jpeg(draw.scene_image(f"14C{number:05d}")[0])
        best = min(best, time.perf_counter() - begin)
    assert best < 0.008  # 4 ms is the target; twice that on a machine shared with other tests
