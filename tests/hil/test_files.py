"""The files of a bench: PICS, PIXIT, product, bench.toml, and the lock."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hil import kit as kits
from hil.errors import BenchBusy, BenchError
from hil.kits.barrier import KIT
from hil.kits.barrier.papers import BarrierPics, BarrierPixit
from hil.lock import BenchLock
from hil.papers import (
    redacted,
    secret_fields,
    to_toml,
)
from twin.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    KIT.write_templates(tmp_path / "bench", "came-gard")
    return tmp_path / "bench"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("profile", ["came-gard", "remote-io", "magnetic-mgc"])
def test_templates_load(tmp_path: Path, profile: str) -> None:
    """What `init` writes is read again as it was meant."""
    KIT.write_templates(tmp_path / "b", profile)
    assert KIT.load_pics(tmp_path / "b/pics.toml") == KIT.emulated_pics(profile)
    assert KIT.load_pixit(tmp_path / "b/pixit.toml") == KIT.emulated_pixit(profile)
    assert KIT.load_product(tmp_path / "b/product.toml") == KIT.product
    assert KIT.load_bench(tmp_path / "b/bench.toml").barrier.port == 15020


def test_init_overwrites_nothing(folder: Path) -> None:
    """A second `init` into the same folder is refused and changes nothing."""
    before = (folder / "pics.toml").read_text(encoding="utf-8")
    with pytest.raises(BenchError, match="exist already"):
        KIT.write_templates(folder, "remote-io")
    assert (folder / "pics.toml").read_text(encoding="utf-8") == before


def test_a_missing_pics_is_a_refusal(folder: Path) -> None:
    """No PICS never means that nothing is to be tested."""
    (folder / "pics.toml").unlink()
    with pytest.raises(ConfigError, match="no PICS file"):
        KIT.load_pics(folder / "pics.toml")


def test_an_empty_pics_is_a_refusal(folder: Path) -> None:
    """Every item must be answered."""
    (folder / "pics.toml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="missing"):
        KIT.load_pics(folder / "pics.toml")


def test_every_pics_item_is_asked(folder: Path) -> None:
    """Leaving out any one line is an error: there are no tacit defaults."""
    lines = (folder / "pics.toml").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(BarrierPics.__struct_fields__)
    for number in range(len(lines)):
        text = "\n".join(lines[:number] + lines[number + 1 :])
        (folder / "pics.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            KIT.load_pics(folder / "pics.toml")


def test_foreign_pics(folder: Path) -> None:
    """A PICS of another kind of device is refused."""
    edit(folder / "pics.toml", '"barrier"', '"camera"')
    with pytest.raises(ConfigError, match="not for 'barrier'"):
        KIT.load_pics(folder / "pics.toml")


def test_a_misspelt_key_names_file_and_line(folder: Path) -> None:
    """Strict files: place, key and problem are in the message."""
    edit(folder / "pixit.toml", "opening_s", "openning_s")
    with pytest.raises(ConfigError, match=r"pixit\.toml:\d"):
        KIT.load_pixit(folder / "pixit.toml")


def test_secrets_are_redacted() -> None:
    """A secret PIXIT value is shown as ***, an empty one as empty; others stay."""
    pixit = KIT.emulated_pixit("came-gard")
    assert secret_fields(BarrierPixit) == {"service_password"}
    assert redacted(pixit)["service_password"] == ""
    shown = redacted(msgspec.structs.replace(pixit, service_password="hunter2"))
    assert shown["service_password"] == "***"
    assert "hunter2" not in to_toml(shown)
    assert shown["opening_s"] == pixit.opening_s


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "bench-1"', 'id = ""', r"bench\.id"),
        ('driver = "modbus"', 'driver = "twin"', r"barrier\.driver"),
        (
            'driver = "twin"\nurl = "http://127.0.0.1:15080"',
            'driver = "twin"',
            "needs the key 'url'",
        ),
        ('driver = "twin"', 'driver = "feedback"\nurll = "x"', "unknown key"),
        ("speed = 1.0", "speed = 4.0", "one role"),
        ("due_on = 2099-01-10", "due_on = 2024-01-10", "calibration of emulated-gauge was due"),
        ("port = 15020", "port = 0", r"barrier\.port"),
    ],
)
def test_a_wrong_bench_is_refused(folder: Path, old: str, new: str, message: str) -> None:
    """Empty ids, impossible drivers, missing keys and overdue calibration name their place."""
    path = folder / "bench.toml"
    edit(path, old, new)
    if "speed" in old:
        edit(path, '[power]\ndriver = "twin"', '[power]\ndriver = "manual"')
        message = "hardware and people live in real time"
    with pytest.raises(ConfigError, match=message):
        KIT.load_bench(path, today=dt.date(2026, 1, 1))


def test_a_driver_must_fit_its_role(folder: Path) -> None:
    """The device's own feedback cannot play the force gauge."""
    edit(folder / "bench.toml", '[power]\ndriver = "twin"', '[power]\ndriver = "feedback"')
    with pytest.raises(ConfigError, match="cannot play power; drivers: twin, modbus, manual"):
        KIT.load_bench(folder / "bench.toml")


def test_no_bench_file(tmp_path: Path) -> None:
    """A missing bench file says what writes one."""
    with pytest.raises(ConfigError, match="certify init barrier"):
        KIT.load_bench(tmp_path / "bench.toml")


# ---------------------------------------------------------------- the lock


def test_the_second_run_is_refused_and_told_who_holds_the_bench(tmp_path: Path) -> None:
    """A held bench names its holder, after a bounded wait."""
    waits: list[float] = []
    with BenchLock("b", run="first", folder=tmp_path):
        second = BenchLock("b", run="second", wait_s=0.5, folder=tmp_path, sleep=waits.append)
        with pytest.raises(BenchBusy, match=r"bench 'b' is held by .*run first"), second:
            pass
    assert 0.3 <= sum(waits) <= 0.5
    with BenchLock("b", run="third", folder=tmp_path):
        pass


def test_other_benches_are_free(tmp_path: Path) -> None:
    """The lock is on the bench, not on the computer."""
    with BenchLock("a", run="x", folder=tmp_path), BenchLock("b", run="y", folder=tmp_path):
        pass


def test_a_dead_holder_frees_the_bench(tmp_path: Path) -> None:
    """The kernel frees the lock when its process is killed, whatever the note says."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom hil.lock import BenchLock\n"
        f"with BenchLock('b', run='dead', folder=Path({str(tmp_path)!r})):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BenchBusy, match="run dead"), BenchLock("b", run="me", folder=tmp_path):
            pass
        child.kill()
    note = json.loads((tmp_path / "gatetwin-bench-b.lock").read_text(encoding="utf-8"))
    assert note["run"] == "dead"
    with BenchLock("b", run="me", folder=tmp_path):
        pass


def test_a_lock_that_cannot_be_opened(tmp_path: Path) -> None:
    """Somebody else's lock file is a bench error that says so, not a traceback."""
    (tmp_path / "gatetwin-bench-b.lock").mkdir()
    with pytest.raises(BenchError, match="another user"), BenchLock("b", run="r", folder=tmp_path):
        pass


def test_a_bench_id_is_no_path(tmp_path: Path) -> None:
    """An id cannot lead out of the lock folder."""
    with pytest.raises(BenchError, match="bench id"):
        BenchLock("../x", run="r", folder=tmp_path)


# ---------------------------------------------------------------- what is shipped

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "device", "role"),
    [
        ("bench-emulated.toml", "barrier", "force_gauge"),
        ("bench-hardware.toml", "barrier", "force_gauge"),
        ("bench-weighbridge.toml", "weighbridge", "weights"),
        ("bench-crane.toml", "crane", "attendant"),
    ],
)
def test_the_examples_load(name: str, device: str, role: str) -> None:
    """The example benches are right."""
    file = kits.load(device).load_bench(ROOT / "examples" / name, today=dt.date(2027, 1, 1))
    assert getattr(file, role) is not None
