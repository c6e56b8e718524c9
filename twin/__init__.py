"""The emulated gate: world, devices, wires, partner, judge. Imports none of our other packages.

The rooms, from the ground up: `errors`, `strict_toml`, `clock`, `trace`, `documents`, `site`,
`physics`, `world`, `profiles`, `devices`, `partner`, `wires`, `faults`, `judge`, `report`,
`gate`, `run`, `rig`, `cli`. A room imports only rooms below it.
"""
