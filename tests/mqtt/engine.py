"""A container engine and an image with mosquitto, for the tests of the container rung.

Images cannot be taken for granted, so one is made: the mosquitto of this machine with the
libraries that it needs, packed by `docker import`. Nothing is downloaded.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import threading
from functools import cache
from pathlib import Path

from tests import needs
from twin.brokers import ladder, mosquitto

IMAGE = "gatetwin-test/mosquitto:local"
_START_TRIES, _STEP_S = 60, 0.5
"""A daemon answers within half a minute or is called absent."""


@cache
def missing() -> str:
    """Why the container rung cannot be tested here; empty if it can."""
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    if mosquitto.binary() is None:
        return "mosquitto is not installed"
    fault = ladder.engine_fault()
    if fault and not _started():
        return fault
    return _image()


def need() -> None:
    """Skip the test, or fail it in CI, unless there is an engine with the image."""
    reason = missing()
    needs.system(not reason, reason)


def _started() -> bool:
    """Start a daemon where this process may; it goes on serving later test runs."""
    daemon = shutil.which("dockerd")
    if daemon is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    subprocess.run(
        ["setsid", "--fork", daemon], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=10, check=False,
    )  # fmt: skip
    pause = threading.Event()
    for _ in range(_START_TRIES):
        if not ladder.engine_fault():
            return True
        pause.wait(_STEP_S)
    return False


def _image() -> str:
    if not ladder.image_fault(IMAGE):
        return ""
    done = subprocess.run(
        ["docker", "import", "-", IMAGE], input=_root(), capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip
    return done.stderr.decode(errors="replace").strip() if done.returncode else ""


def _root() -> bytes:
    """A tar of the binary and every library that it loads, at their own paths."""
    binary = mosquitto.binary()
    assert binary is not None
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, timeout=10, check=True)
    libraries = re.findall(r"(/\S+) \(0x", listed.stdout)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in dict.fromkeys([binary, *libraries]):
            tar.add(Path(name).resolve(), arcname=name.lstrip("/"))
        for folder in ("tmp", "mosquitto/config"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for path, text in (("etc/passwd", "root:x:0:0::/:/\n"), ("etc/group", "root:x:0:\n")):
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()
