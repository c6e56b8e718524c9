"""What the kits of loops, traffic light and remote I/O share: all three meet at one I/O module.

A loop detector and a lamp have no wire of their own. They are certified behind the module that
the bench names in its PICS; the module's own wire is certified by the kit `remote-io`.
"""
