"""What a row of samples of the loops says about vehicles."""

from __future__ import annotations

import pytest

from fixtures.stack.camera import PlateRead
from fixtures.stack.loops import LOOPS, LoopBook, Passage

CLEAR = dict.fromkeys(LOOPS, False)


def play(scene: str, passage: Passage | None = None) -> Passage:
    """Samples 0.1 s apart; each is written as the covered loops: a, b, e or `.` for none."""
    passage = passage or Passage(0.0, CLEAR)
    for step, sample in enumerate(scene.split(), start=1):
        covered = {"arm_a": "a" in sample, "arm_b": "b" in sample, "exit": "e" in sample}
        passage.sample(CLEAR | covered, step / 10)
    return passage


TRUCK = ". a ab ab abe abe be e ."


def test_a_truck_that_left_by_the_exit_is_through() -> None:
    """After the exit loop has cleared behind the arm loops, and they stay clear."""
    passage = play(TRUCK)
    assert passage.begun
    assert passage.vehicles == 1
    assert not passage.through(1.0, 0.5), "not before the debounce is over"
    assert passage.through(1.5, 0.5)


@pytest.mark.parametrize(
    "scene",
    [
        ".",  # nobody came
        ". a ab b . .",  # between arm and exit
        ". a ab abe ab a .",  # it went back
        ". a ab abe be e ae",  # a second front before the first rear has left
    ],
)
def test_who_has_not_left_is_not_through(scene: str) -> None:
    """Anything but arm first, exit last, all clear keeps the arm up."""
    passage = play(scene)
    assert not passage.through(len(scene.split()) / 10 + 0.55, 0.5)


def test_a_truck_that_stands_under_the_arm_does_not_seem_through() -> None:
    """However long it stands; only one dead loop is allowed for, not two."""
    assert not play(". a ab ab").seems_through(60.0, 8.0)
    assert not play(". a ab abe ab").seems_through(1.0, 8.0)


@pytest.mark.parametrize("scene", [". a ab b .", ". a ab abe ae ae a"])
def test_one_dead_loop_is_seen_through(scene: str) -> None:
    """A dead exit loop, and an arm loop that is stuck, leave enough to tell."""
    passage = play(scene)
    assert not passage.through(60.0, 0.5)
    assert passage.seems_through(60.0, 8.0)


def test_a_follower_is_counted_by_samples() -> None:
    """Both channels of the arm loop covered twice are two vehicles."""
    assert play(TRUCK + " " + TRUCK).vehicles == 2


def test_a_follower_between_two_samples_is_counted_by_the_module() -> None:
    """A gap shorter than the poll is still two edges in the module's counters."""
    passage = play(TRUCK)
    passage.count({"arm_a": 2, "arm_b": 2})
    assert passage.vehicles == 2


def test_crosstalk_on_one_channel_is_no_follower() -> None:
    """One channel alone is not a vehicle."""
    passage = play(TRUCK)
    passage.count({"arm_a": 3, "arm_b": 1})
    assert passage.vehicles == 1


def test_a_dead_channel_does_not_hide_a_follower() -> None:
    """If one channel saw nothing at all, the other one counts."""
    passage = play(". a a ae ae e .")
    passage.count({"arm_a": 2, "arm_b": 0})
    assert passage.vehicles == 2


def test_a_loop_that_is_stuck_from_the_beginning_does_not_begin_a_passage() -> None:
    """What was covered before is no arrival; the other channel tells."""
    passage = Passage(0.0, CLEAR | {"arm_a": True})
    play("a a", passage)
    assert not passage.begun
    play("ab", passage)
    assert passage.begun


def read(plate: str | None, at_s: float) -> PlateRead:
    return PlateRead(plate, 99, "u", "t", at_s)


def enter(book: LoopBook, from_s: float, to_s: float) -> None:
    book.sample(CLEAR | {"approach": True}, from_s)
    book.sample(CLEAR, to_s)


def test_a_vehicle_comes_in_over_the_approach_loop() -> None:
    """Its track begins with the front and knows when the rear has left; its plate is added."""
    book = LoopBook()
    enter(book, 1.0, 6.0)
    book.plate(read("14C12345", 3.0), stale=False)
    (track,) = book.tracks
    assert (track.entered_s, track.cleared_s) == (1.0, 6.0)
    assert [one.plate for one in track.reads] == ["14C12345"]


def test_the_camera_announces_when_the_loop_does_not() -> None:
    """A plate without a track begins one, unless it is the one that has just been served."""
    book = LoopBook()
    book.plate(read("14C12345", 1.0), stale=True)
    book.plate(read(None, 1.0), stale=False)
    assert not book.tracks
    book.plate(read("14C12345", 1.0), stale=False)
    assert [track.seen_by for track in book.tracks] == ["camera"]
    book.sample(CLEAR | {"approach": True}, 1.5)
    assert [track.seen_by for track in book.tracks] == ["loop"], "one vehicle, seen twice"


def test_a_late_repeat_is_not_the_plate_of_an_old_track() -> None:
    """A reading long after a vehicle came in is not its reading."""
    book = LoopBook()
    enter(book, 1.0, 6.0)
    book.plate(read("14C12345", 60.0), stale=False)
    assert book.tracks[0].reads == []


def test_an_empty_platform_forgets_who_should_stand_there() -> None:
    """Only those who have left the approach loop can stand on the platform."""
    book = LoopBook()
    enter(book, 1.0, 6.0)
    book.sample(CLEAR | {"approach": True}, 16.0)
    book.drop_cleared()
    assert [track.entered_s for track in book.tracks] == [16.0]


def test_a_loop_that_chatters_announces_nobody() -> None:
    """Before a closed arm is room for one: a short gap is the same vehicle, a long one not."""
    book = LoopBook()
    enter(book, 1.0, 3.0)
    enter(book, 3.5, 6.0)
    assert [track.cleared_s for track in book.tracks] == [6.0]
    enter(book, 16.0, 20.0)
    assert len(book.tracks) == 2
