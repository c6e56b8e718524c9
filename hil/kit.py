"""A kit: everything that certification has to know of one kind of device.

A kit is the object `KIT` of `hil.kits.<device>`; its requirements, suite and mutants stand in
`hil/requirements/<device>.toml`, `hil/suites/<device>*.py` and `hil/mutants/<device>.py`. The
names of the requirement files are the names of the kits: nothing else lists them.

A kit says what is its own: papers, roles and the rules of who may play them, how its wire is made
and its emulated device. How a bench file is written, read and bound to drivers follows from that;
`hil.kits.gnss` is a plain one, `hil.kits.barrier` one with instruments.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
from markupsafe import Markup

from twin.clock import Clock
from twin.errors import UnknownName
from twin.trace import Record, Trace

from . import bench as benches
from . import papers
from . import register as registers
from .bench import OPERATOR, BenchFile, Binder, Device, RoleRule
from .bench_text import BenchText
from .charts import of_case
from .drivers.manual import ManualHands
from .drivers.twin import TwinHands
from .emulation import EmulatedBench
from .emulator import Where
from .errors import BenchError
from .papers import Pics, Pixit, Product
from .register import Register
from .roles import Operator
from .session import Roles, Session, Wire
from .suite import Suite
from .variant import Variant

DEFAULT = Where(15020, "http://127.0.0.1:15080", 1.0)
"""Where a template looks for an emulated device."""


class Kit(ABC):
    """What certification knows of one kind of device."""

    device: ClassVar[str]
    help: ClassVar[str]
    """One line: what is looked at."""
    modules: ClassVar[tuple[str, ...]]
    """Modules under `hil.suites` whose import fills the suite; the first one holds it."""
    good: ClassVar[tuple[str, ...]]
    """Profiles whose good twin has to pass everything; the first is the default."""
    health: ClassVar[tuple[str, ...]]
    """Known-bad emulators that a healthy bench computer must fail; one of each kind of judge."""
    engines: ClassVar[tuple[str, ...]] = ("kinematic",)
    """How an emulated device may move."""
    product: ClassVar[Product]
    pics_type: ClassVar[type[Pics]]
    pixit_type: ClassVar[type[Pixit]]
    bench_type: ClassVar[type[BenchFile]]

    # -- how its bench is made

    rules: ClassVar[dict[str, RoleRule]]
    """All roles of its bench, in the order in which a bench file names them."""
    text: ClassVar[BenchText]
    """What its bench file says."""
    table: ClassVar[str]
    """The table of bench.toml, a field of `bench_type`, that names the device under test."""
    here: ClassVar[Device]
    """That table for an emulated device on the suite's own event loop; its port is filled in."""
    roles_type: ClassVar[type[Roles]]
    session_type: ClassVar[type[Session[Any, Any]]]
    """Made of clock, trace, wire, roles, PICS and PIXIT."""
    twin_hands: ClassVar[type[TwinHands]]
    manual_hands: ClassVar[type[ManualHands]]

    @abstractmethod
    def emulated_pics(self, profile: str) -> Pics:
        """What the good emulated device of this profile can do."""

    @abstractmethod
    def emulated_pixit(self, profile: str) -> Pixit:
        """How the good emulated device is to be tested."""

    @abstractmethod
    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """An emulated device; the good one if `variant` is None."""

    @abstractmethod
    def wire(self, at: Any, pics: Any, pixit: Any, clock: Clock, trace: Trace) -> Wire:
        """The client of the device under test: `at` is its table of bench.toml.

        It works by the papers, not by what a mutant has made of them.
        """

    # -- what a kit may say otherwise

    @property
    def emulated_roles(self) -> dict[str, RoleRule]:
        """The roles that an emulated bench plays: all but an operator of whom nothing is said."""
        return {name: rule for name, rule in self.rules.items() if rule is not OPERATOR}

    def roles(self, bench: Any) -> Roles:
        """An emulated bench in each of these roles."""
        return self.roles_type(**dict.fromkeys(self.emulated_roles, bench))

    def session(
        self, clock: Clock, trace: Trace, wire: Any, roles: Any, pics: Any, pixit: Any
    ) -> Session[Any, Any]:
        """A session on a wire."""
        return self.session_type(clock, trace, wire, roles, pics, pixit)

    def play(self, role: str, config: Any, binder: Binder[Any, Any], wire: Any) -> Any:  # noqa: ARG002
        """Who plays one of its own roles on a bench; `config` is the role's table."""
        return binder.hands(config)

    def person(self, file: Any) -> Callable[[Operator, Clock], ManualHands]:  # noqa: ARG002
        """How the hands of a person are made."""
        return self.manual_hands

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:  # noqa: ARG002
        """Charts for the report: title and SVG. None unless a kit draws some."""
        return []

    # -- what follows from these

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> Session[Any, Any]:
        """A session on an emulated device of the same event loop, reached at `port`."""
        at = msgspec.structs.replace(self.here, port=port)
        wire = self.wire(at, pics, pixit, clock, trace)
        return self.session(clock, trace, wire, self.roles(bench), pics, pixit)

    def bind(
        self,
        file: BenchFile,
        pics: Pics,
        pixit: Pixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> Session[Any, Any]:
        """A session with the drivers of all roles; all is closed when `stack` is left."""
        wire = self.wire(getattr(file, self.table), pics, pixit, clock, trace)
        binder = Binder(clock, trace, stack, self.twin_hands, self.person(file), operator=operator)
        known: dict[str, Any] = {
            "operator": binder.operator(file.operator),
            "power": binder.power(file.power),
        }
        own = {name: getattr(file, name) for name in self.rules if name not in known}
        played = {
            name: self.play(name, config, binder, wire)
            for name, config in own.items()
            if config is not None
        }
        roles = self.roles_type(**known, **played)
        session = self.session(clock, trace, wire, roles, pics, pixit)
        stack.push_async_callback(session.leave)
        return session

    def bench_toml(self, where: Where, id: str) -> str:
        """A bench file whose roles are all played by the emulated device at `where`."""
        return self.text.write(self.table, self.here.driver, self.emulated_roles, id, where)

    def view(self, records: Sequence[Record], case: str) -> Any:
        """What a judge sees of the last attempt of `case`; None if it was not run."""
        start = next((r.payload for r in records if r.kind == "certify.start"), None)
        seen = of_case(records, case)
        if start is None or not seen:
            return None
        suite = self.suite
        pics = msgspec.convert(start["pics"], suite.pics)
        return suite.view(seen, pics, msgspec.convert(start["pixit"], suite.pixit))

    @property
    def suite(self) -> Suite[Any, Any]:
        """The suite, with all its modules imported."""
        first, *_ = (importlib.import_module(f"hil.suites.{name}") for name in self.modules)
        for name in self.modules[1:]:
            importlib.import_module(f"hil.suites.{name}")
        return cast("Suite[Any, Any]", first.suite)

    @property
    def register(self) -> Register:
        """The requirement register."""
        return registers.load(self.device)

    @property
    def mutants(self) -> list[Variant]:
        """All mutants."""
        module = importlib.import_module(f"hil.mutants.{_module(self.device)}")
        return cast("list[Variant]", module.MUTANTS)

    def mutant(self, name: str) -> Variant:
        """The mutant of this name, or the one that kills this requirement."""
        for variant in self.mutants:
            if name in (variant.name, variant.kills):
                return variant
        raise UnknownName("mutant", name, [variant.name for variant in self.mutants])

    def load_bench(self, path: Path, **options: Any) -> BenchFile:
        """Read bench.toml."""
        return benches.load(path, self.device, self.bench_type, self.rules, **options)

    def load_product(self, path: Path) -> Product:
        """Read product.toml."""
        return papers.load_product(path, self.device)

    def load_pics(self, path: Path) -> Pics:
        """Read pics.toml."""
        return papers.load_pics(path, self.device, self.pics_type)

    def load_pixit(self, path: Path) -> Pixit:
        """Read pixit.toml."""
        return papers.load_pixit(path, self.device, self.pixit_type)

    def write_templates(self, folder: Path, profile: str, where: Where = DEFAULT) -> list[Path]:
        """Write the four files into `folder`, bench.toml first; nothing is ever overwritten."""
        bench = "bench-1" if where is DEFAULT else f"emulated-{where.port}"
        to_toml, asdict = papers.to_toml, msgspec.structs.asdict
        texts = {
            "bench.toml": self.bench_toml(where, bench),
            "product.toml": to_toml(asdict(self.product)),
            "pics.toml": to_toml(self.emulated_pics(profile).values()),
            "pixit.toml": to_toml(asdict(self.emulated_pixit(profile))),
        }
        present = [name for name in texts if (folder / name).exists()]
        if present:
            raise BenchError(f"{folder}: {', '.join(present)} exist already; choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return [folder / name for name in texts]


def names() -> list[str]:
    """All devices that can be certified."""
    found = (entry.name for entry in (files("hil") / "requirements").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load(device: str) -> Kit:
    """The kit of `device`."""
    if device not in names():
        raise UnknownName("device to certify", device, names())
    kit: Kit = importlib.import_module(f"hil.kits.{_module(device)}").KIT
    return kit


def _module(device: str) -> str:
    return device.replace("-", "_")
