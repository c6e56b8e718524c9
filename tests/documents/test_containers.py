"""Container numbers against published vectors and the arithmetic of ISO 6346."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from fixtures import strategies_documents as documents
from twin.documents import containers
from twin.documents.errors import DocumentError


@pytest.mark.parametrize("text", ["CSQU3054383", "TEXU3070079", "VNTU0000018", "csqu 305438-3"])
def test_published_vectors_pass(text: str) -> None:
    """Numbers printed in public texts on the standard are valid."""
    assert containers.check(text).text == text.upper().replace(" ", "").replace("-", "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TEXU3070070", "check digit 0, computed 9"),
        ("MCDX3070079", "category X"),
        ("CSQU305438", "four letters"),
        ("CSQ13054383", "four letters"),
        ("", "four letters"),
    ],
)
def test_wrong_numbers_are_refused(text: str, why: str) -> None:
    """A wrong check digit, category or form is named."""
    with pytest.raises(DocumentError, match=why):
        containers.check(text)


def test_letters_skip_multiples_of_eleven() -> None:
    """A is 10, B is 12, and no letter is worth 11, 22 or 33 (the table in the standard)."""
    values = containers._VALUES
    assert (values["A"], values["B"], values["K"], values["L"]) == (10, 12, 21, 23)
    assert (values["U"], values["V"], values["Z"]) == (32, 34, 38)


def test_made_numbers_are_valid_and_avoid_ten() -> None:
    """Made numbers pass the check and never rest on the doubtful remainder 10."""
    rng = random.Random(3)
    for _ in range(500):
        number = containers.make(rng)
        assert containers.check(number).category == "U"
        assert containers._remainder(number[:10]) != 10


@given(documents.containers())
def test_strategy_is_valid(text: str) -> None:
    """Every number of the strategy is valid."""
    assert containers.check(text).text == text


@given(documents.almost_containers())
def test_one_wrong_digit_is_almost_always_seen(text: str) -> None:
    """One changed digit is refused, but for the pair 10/0 that the standard itself confuses."""
    try:
        containers.check(text)
    except DocumentError:
        return
    assert containers._remainder(text[:10]) in {0, 10}
