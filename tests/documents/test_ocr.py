"""Misreading: rates, confidences, and which texts count as near."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import strategies_documents as documents
from twin.documents import ocr


@pytest.mark.parametrize(
    ("quality", "low", "high"),
    [(1.0, 0.975, 1.0), (0.8, 0.94, 0.985), (0.5, 0.78, 0.88), (0.0, 0.0, 0.08)],
)
def test_whole_plate_rate_follows_quality(quality: float, low: float, high: float) -> None:
    """The share of plates read whole is what the module's documentation promises."""
    rng = random.Random(17)
    right = sum(ocr.misread("14C12345", rng, quality)[0] == "14C12345" for _ in range(1500))
    assert low <= right / 1500 <= high


@given(documents.plates(), st.integers(0, 2**32), st.floats(-1, 2))
def test_one_belief_for_each_character(plate: str, seed: int, quality: float) -> None:
    """Whatever is read, each of its characters has a belief from 1 to 99."""
    text, beliefs = ocr.misread(plate, random.Random(seed), quality)
    assert len(text) == len(beliefs) <= len(plate)
    assert all(1 <= belief <= 99 for belief in beliefs)


def test_wrong_characters_are_believed_less() -> None:
    """On average a misread character has a clearly lower belief, but silent errors exist."""
    rng = random.Random(23)
    right: list[int] = []
    wrong: list[int] = []
    for _ in range(3000):
        text, beliefs = ocr.misread("14C12345", rng, 0.5)
        if len(text) != 8:
            continue
        for seen, true, belief in zip(text, "14C12345", beliefs, strict=True):
            (right if seen == true else wrong).append(belief)
    assert sum(right) / len(right) - sum(wrong) / len(wrong) > 15
    assert max(wrong) > 85


@given(documents.misread_plates())
def test_a_look_alike_is_near(pair: tuple[str, str]) -> None:
    """A plate and its one-character misreading are near, in both directions."""
    true, seen = pair
    assert ocr.near(true, seen)
    assert ocr.near(seen, true)


@pytest.mark.parametrize(
    ("a", "b", "is_near"),
    [
        ("14C12345", "14C-123.45", True),
        ("14C12345", "14C1234", True),
        ("14C12345", "14C123456", True),
        ("14C12345", "14C92345", True),
        ("14C08345", "14CD8345", True),
        ("14C08345", "14CDB345", True),
        ("14C00845", "14CDDB45", False),
        ("14C12345", "14C21345", False),
        ("14C12345", "14C12954", False),
        ("14C12345", "14C123", False),
        ("14C12345", "unknown", False),
        ("桂P12345", "挂P12345", True),
    ],
)
def test_what_counts_as_near(a: str, b: str, is_near: bool) -> None:
    """One edit is near; two are near only where both are look-alikes; more never."""
    assert ocr.near(a, b) is is_near
    assert ocr.near(b, a) is is_near


def test_confusion_table_is_sound() -> None:
    """No character is listed as its own look-alike, and none that is unknown is changed."""
    for char, others in ocr.CONFUSIONS.items():
        assert char not in others
    assert ocr.confuse("·", random.Random(0)) == "·"
    assert ocr.confusable("0", "D")
    assert not ocr.confusable("0", "7")


def test_forced_errors() -> None:
    """`force_error` changes exactly as many characters as asked and doubts them."""
    beliefs = [99] * 8
    text, doubted = ocr.force_error("14C12345", beliefs, random.Random(2), characters=2)
    changed = [at for at in range(8) if text[at] != "14C12345"[at]]
    assert len(changed) == 2
    assert all(doubted[at] <= 90 for at in changed)
    assert beliefs == [99] * 8
