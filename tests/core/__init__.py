"""Tests of the clock, the trace, strict TOML and the site."""
