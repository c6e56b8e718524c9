"""Drivers: how a bench role is played, by hardware, by an emulated device, or by a person."""
