"""Plates, container numbers and declarations: make, check, draw. Synthetic, never a real person's.

Every maker takes a seeded `random.Random` and gives a valid specimen; every checker takes text and
returns the parsed form or raises `DocumentError`. Rules and their sources stand in each module.
"""
