"""Suites: the cases and judges of each kind of device; `hil.suite.load` imports them."""
