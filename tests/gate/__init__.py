"""Tests of a whole gate: rig, replay, command line, plugin, determinism."""
