"""What each kind of device does: its sensors see the world, its actuators change it.

A device knows no protocol: it offers named points, and a wire serves them.
"""
