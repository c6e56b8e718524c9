"""A first test of a fleet manager: a box each way, a vehicle that breaks down on its way."""


def test_a_breakdown_is_waited_for(bridge):
    """Nobody drives into the broken vehicle, and both boxes arrive after the repair."""
    boxes = {bridge.box("vn"), bridge.box("cn")}
    bridge.wait(420)
    bridge.inject("igv-01", "motor_fault")
    bridge.wait(300)
    bridge.heal("igv-01", "motor_fault")
    assert bridge.until_clear()
    assert bridge.received == boxes
    assert bridge.judge().held
