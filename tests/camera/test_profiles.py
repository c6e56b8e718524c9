"""Camera profiles: all that are shipped load, and a wrong one says where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from twin import profiles as modbus_profiles
from twin.errors import ConfigError, UnknownName
from twin.profiles import camera


@pytest.mark.parametrize("name", camera.names())
def test_shipped_profiles_load_and_cite(name: str) -> None:
    """Every shipped profile is valid, knows its name, and names its source."""
    profile = camera.load(name)
    assert profile.name == name
    assert "http" in profile.source


def test_every_quirk_is_documented_and_shipped() -> None:
    """Each quirk has a text and a source, and at least one shipped profile has it."""
    assert set(camera.QUIRKS) == set(get_args(camera.QuirkId))
    assert all(doc and source for doc, source in camera.QUIRKS.values())
    shipped = {quirk for name in camera.names() for quirk in camera.load(name).quirks}
    assert shipped == set(camera.QUIRKS)
    assert camera.load("camera.hikvision").quirks == []


def test_unknown_names_are_explained() -> None:
    """A misspelt profile names the nearest one."""
    with pytest.raises(UnknownName, match=r"did you mean 'camera\.hikvision'"):
        camera.load("camera.hikvison")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("digest = [", "diggest = [", "diggest"),
        ("quirks = []", 'quirks = ["boundry-lf"]', "quirks"),
        ('digest = ["SHA-256", "MD5"]', "digest = []", "digest"),
        ("quirks = []", "quirks = []\nheartbeat_s = 0", "heartbeat_s"),
        ("quirks = []", 'quirks = []\nmanual_trigger_paths = ["snap"]', "manual_trigger_paths"),
    ],
)
def test_a_wrong_file_names_file_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    """A wrong key or value is a ConfigError with the file and the key."""
    text = (camera.FOLDER / "camera.hikvision.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "camera.mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        camera.load(path)
    assert caught.value.path == path
    assert key in str(caught.value)


def test_modbus_profiles_do_not_list_cameras() -> None:
    """The two families of profiles keep out of each other's way."""
    assert not set(camera.names()) & set(modbus_profiles.names())
