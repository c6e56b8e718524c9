"""The protocol faces of devices: a wire serves a device's points and does not know the world."""
