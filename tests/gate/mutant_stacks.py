"""Every stack mutant as a module attribute, so that `MODULE:FACTORY` finds it."""

from __future__ import annotations

from fixtures.stack_mutants import MUTANTS

globals().update(MUTANTS)
