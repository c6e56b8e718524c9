"""Declarations: number form, HS codes, weights."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from fixtures import strategies_documents as documents
from twin.documents import containers, declarations, plates
from twin.documents.errors import DocumentError


@pytest.mark.parametrize("direction", ["in", "out"])
def test_numbers_are_twelve_digits(direction: declarations.Direction) -> None:
    """A made number is valid and its usual prefix tells the direction."""
    rng = random.Random(5)
    number = declarations.make_number(rng, direction)
    assert declarations.check_number(number) == number
    assert declarations.guessed_direction(number) == direction


@pytest.mark.parametrize(
    "text", ["", "10123456789", "1012345678901", "10123456789A", "١٠١٢٣٤٥٦٧٨٩٠"]
)
def test_other_numbers_are_refused(text: str) -> None:
    """Anything but twelve ASCII digits is refused."""
    with pytest.raises(DocumentError, match="12 digits"):
        declarations.check_number(text)


def test_prefix_is_only_a_hint() -> None:
    """A number with another prefix is valid; its direction is not guessed."""
    assert declarations.guessed_direction("991234567890") is None


@pytest.mark.parametrize(
    ("text", "six"), [("0810.60", "0810.60"), ("081060", "0810.60"), ("0306.17.29", "0306.17"),
                      ("8517130000", "8517.13")]
)  # fmt: skip
def test_hs_codes_are_cut_to_six_digits(text: str, six: str) -> None:
    """Longer tariff codes carry the six-digit code in front."""
    assert declarations.check_hs(text) == six


@pytest.mark.parametrize("text", ["", "08106", "7701.10", "0010.10", "9801.00", "0810-60"])
def test_wrong_hs_codes_are_refused(text: str) -> None:
    """No chapter 0, 77 or above 97, and no other forms."""
    with pytest.raises(DocumentError):
        declarations.check_hs(text)


def test_goods_tables_are_valid() -> None:
    """All goods have a valid HS code and a plausible range of loads."""
    for goods in (*declarations.IMPORTS, *declarations.EXPORTS):
        assert declarations.check_hs(goods.hs) == goods.hs
        assert 1_000 <= goods.cargo_kg_min < goods.cargo_kg_max <= 30_000


def test_made_declaration_adds_up() -> None:
    """Gross is tare and cargo; the documents that it names are passed through."""
    rng = random.Random(11)
    box = containers.make(rng)
    made = declarations.make(rng, "out", plate="14C12345", tare_kg=16_000, container=box)
    assert made.gross_kg == 16_000 + made.cargo_kg
    assert (made.plate, made.container, made.direction) == ("14C12345", box, "out")
    assert made.hs in {goods.hs for goods in declarations.EXPORTS}


@given(documents.declarations())
def test_strategy_is_valid(made: declarations.Declaration) -> None:
    """Every part of a drawn declaration passes its own check."""
    declarations.check_number(made.number)
    declarations.check_hs(made.hs)
    plates.check_plate(made.plate)
    if made.trailer_plate is not None:
        assert plates.check_plate(made.trailer_plate).trailer
    if made.container is not None:
        containers.check(made.container)
    assert made.gross_kg > made.cargo_kg > 0
