"""Plates: what is made passes the check, what breaks a rule does not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from fixtures import strategies_documents as documents
from twin.documents import plates
from twin.documents.errors import DocumentError


@pytest.mark.parametrize(
    ("text", "canonical", "country", "kind"),
    [
        ("14C-123.45", "14C12345", "VN", "civil"),
        ("14R-012.34", "14R01234", "VN", "trailer"),
        ("14c 1234", "14C1234", "VN", "civil"),
        ("14LD-012.34", "14LD01234", "VN", "foreign"),
        ("29Đ-123.45", "29Đ12345", "VN", "civil"),
        ("TM-12-34", "TM1234", "VN", "army"),
        ("桂P·12345", "桂P12345", "CN", "civil"),
        ("桂P1234挂", "桂P1234挂", "CN", "trailer"),
        ("桂P12345D", "桂P12345D", "CN", "new-energy"),
        ("桂AD12345", "桂AD12345", "CN", "new-energy"),
        ("粤B8K2A1", "粤B8K2A1", "CN", "civil"),
    ],
)
def test_known_forms_are_understood(text: str, canonical: str, country: str, kind: str) -> None:
    """Every form that the two countries use is parsed to one canonical text."""
    plate = plates.check_plate(text)
    assert (plate.text, plate.country, plate.kind) == (canonical, country, kind)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("13C12345", "province code 13"),
        ("14I12345", "series I"),
        ("14W12345", "series W"),
        ("14C123", "want DDL"),
        ("14C123456", "want DDL"),
        ("XX1234", "army"),
        ("桂I12345", "letter I"),
        ("桂P1234O", "letter O"),
        ("人P12345", "no province"),
        ("桂P123挂", "four digits"),
        ("桂PABC12", "two letters"),
        ("桂P123456", "D or F"),
        ("桂P1234", "4 characters"),
        ("桂P12345挂挂", "want 桂P12345"),
        ("unknown", "want DDL"),
    ],
)
def test_broken_rules_are_named(text: str, why: str) -> None:
    """A text that is no plate is refused with the rule that it breaks."""
    with pytest.raises(DocumentError, match=why) as caught:
        plates.check_plate(text)
    assert caught.value.text == text


@pytest.mark.parametrize("country", ["VN", "CN"])
@pytest.mark.parametrize("trailer", [False, True])
def test_what_is_made_is_valid(country: plates.Country, trailer: bool) -> None:
    """Made plates are canonical, of the asked country and kind, and survive printing."""
    rng = random.Random(7)
    for _ in range(300):
        text = plates.make_plate(rng, country, trailer)
        plate = plates.check_plate(text)
        assert (plate.text, plate.country, plate.trailer) == (text, country, trailer)
        assert plates.check_plate(plate.printed) == plate


def test_seed_decides() -> None:
    """One seed makes one row of plates, another seed another."""

    def row(seed: int) -> list[str]:
        rng = random.Random(seed)
        return [plates.make_plate(rng, "CN") for _ in range(5)]

    assert row(1) == row(1) != row(2)


def test_two_lines_and_colour() -> None:
    """The square form splits after the series letter; cargo plates are yellow."""
    plate = plates.check_plate("14C12345")
    assert (plate.lines, plate.colour) == (("14C", "123.45"), "yellow")
    assert plates.check_plate("桂P1234挂").lines == ("桂P", "1234挂")
    assert plates.check_plate("桂P12345D").colour == "green"
    assert plates.check_plate("14LD01234").colour == "white"
    assert plates.check_plate("TM1234").colour == "red"


@given(documents.plates())
def test_strategy_gives_plates(text: str) -> None:
    """Every plate of the strategy is valid, canonical and the same after printing."""
    plate = plates.check_plate(text)
    assert plate.text == text
    assert plates.check_plate(plate.printed) == plate


@given(documents.almost_plates())
def test_check_decides_or_explains(text: str) -> None:
    """Any near-plate is either parsed to itself or refused; nothing else happens."""
    try:
        read = plates.check_plate(text).text
    except DocumentError:
        read = plates.normalise(text)
    assert read == plates.normalise(text)
