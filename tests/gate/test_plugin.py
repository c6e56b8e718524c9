"""The pytest plugin, as a user's own test session sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin.replay import replay

pytest_plugins = ["pytester"]

TEST = """
import pytest

@pytest.mark.gate(lanes=["in-1"])
def test_gate(gate):
    gate.vehicle(why="channel_red")
    assert gate.until_clear(300)
    assert gate.judge().held
    {extra}
"""


def test_a_user_test_drives_a_lane(pytester: pytest.Pytester) -> None:
    """Installing the package is enough: the fixture is there, with the reference stack."""
    pytester.makepyfile(TEST.format(extra=""))
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_failing_test_leaves_a_program(pytester: pytest.Pytester) -> None:
    """The steps of a failed test are saved and the output says how to play them again."""
    pytester.makepyfile(TEST.format(extra="assert gate.gate.world.counts.crossed == 1"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*play it again: gatetwin replay *.json"])
    saved = list(Path(pytester.path, ".gatetwin/failures").glob("*.json"))
    assert len(saved) == 1
    steps = json.loads(saved[0].read_text())["steps"]
    assert [step["do"] for step in steps] == ["vehicle", "until_clear"]


def test_the_stack_is_chosen_on_the_command_line(pytester: pytest.Pytester) -> None:
    """--gate-stack puts another stack behind the same tests."""
    pytester.makepyfile(TEST.format(extra=""))
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "--gate-stack", "tests.gate.idle_stack:create"
    )
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("'in-1'", "*everything is given by name*"),
        ("lane=['in-1']", "*unknown argument of pytest.mark.gate 'lane'; did you mean 'lanes'?*"),
        ("lanes='in-1'", "*write a list: lanes=?'in-1'?*"),
    ],
)
def test_a_wrong_mark_is_refused(pytester: pytest.Pytester, mark: str, says: str) -> None:
    """A mark that would be ignored or misread is an error that says how to write it."""
    pytester.makepyfile(TEST.format(extra="").replace('lanes=["in-1"]', mark))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([says])


def test_a_failing_test_says_what_was_broken(pytester: pytest.Pytester) -> None:
    """The first violation of each invariant stands in the output in words, and in the replay."""
    pytester.makepyfile(TEST.format(extra="").replace("channel_red", "channel_yellow"))
    naive = "examples.naive_stack:create"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--gate-stack", naive)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LANE-04 at * s: *", "gate.vehicle(*", "*play it again*"])
    saved = next(Path(pytester.path, ".gatetwin/failures").glob("*.json"))
    again = replay(saved)
    assert any(text.startswith("LANE-04 at ") for text in again.told)
    assert again.text().startswith("LANE-")
    assert not again.good
