"""Every error that certification raises on purpose.

The tree, to know what to catch::

    GateTwinError (twin.errors)
    ├── ConfigError              bench.toml, pics.toml, pixit.toml or product.toml is wrong
    └── HarnessError             the bench failed, never the device under test
        └── BenchError           a role, driver or instrument could not do its work
            ├── BenchBusy        another run holds the bench
            ├── Unreachable      the device's wire does not answer at all
            └── OperatorTimeout  nobody answered a prompt in time
    RegisterError                the requirement register and the suite do not fit together
    EvidenceError                a bundle is torn, forged or of another version

A `BenchError` during a case gives the verdict ERROR; no error of this tree ever gives FAIL.
"""

from __future__ import annotations

from twin.errors import GateTwinError, HarnessError


class BenchError(HarnessError):
    """The bench could not do its work; says nothing about the device under test."""


class BenchBusy(BenchError):  # noqa: N818 - it names what happened, as KeyError does
    """Another run holds the bench's lock."""


class Unreachable(BenchError):  # noqa: N818
    """The device under test cannot be reached over its wire."""


class OperatorTimeout(BenchError):  # noqa: N818
    """The operator did not answer a prompt within its time limit."""


class RegisterError(GateTwinError):
    """The requirement register, the suite and the mutants contradict each other."""


class EvidenceError(GateTwinError):
    """An evidence bundle cannot be believed."""
