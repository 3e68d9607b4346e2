"""What a spreadsheet makes of cells that nobody touched is told from what people correct."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.excel_ways import damage

DAMAGED = [
    ("00501", "501"),
    ("-0012", "-12"),
    ("+5", "5"),
    ("1.50", "1.5"),
    ("2E10", "2.00E+10"),
    ("1E5", "100000"),
    ("1234567890123456", "1.23457E+15"),
    ("1234567890123456", "1.23E+15"),
    ("1234567890123456", "1234567890123450"),
    ("9999999999999999", "1E+16"),
    ("12345678901234567890", "12345678901234500000"),
    ("123456789012", "1.23457E+11"),
    ("3.14159265358979", "3.141592654"),
    ("1-2", "2-Jan"),
    ("1-2", "02-Jan"),
    ("1-2", "01월 02일"),
    ("3/4", "4-Mar"),
    ("1/2024", "Jan-24"),
    ("SEPT1", "1-Sep"),
    ("MARCH1", "01-Mar"),
    ("DEC1", "1-Dec"),
    ("2024-01-02", "1/2/2024"),
    ("2024-01-02", "2024/1/2"),
    ("2024-01-02", "02.01.2024"),
    ("2024-01-02", "2-Jan-24"),
    ("2024-01-02", "45293"),
    ("2024-01-02 10:00:05", "1/2/2024 10:00"),
    ("2024-01-02T10:00:05Z", "2024-01-02 10:00"),
    ("9:05", "9:05:00 AM"),
    ("true", "TRUE"),
    ("-abc", "#NAME?"),
    ("12345678", "########"),
    ("x" * 40_000, "x" * 32_767),
]
CORRECTED = [
    ("00501", "00502"),
    ("501", "00501"),
    ("1.2", "2.1"),
    ("1-2", "2-1"),
    ("2024-01-02", "2024-02-01"),
    ("1/2/2024", "2/1/2024"),
    ("2024-13-02", "2024-03-02"),
    ("abc", "ABC"),
    ("tru", "TRUE"),
    ("12,5", "12.5"),
    ("3.14159", "3.14"),
    ("100", "10"),
    ("1234567890123456", "1234567890123457"),
    ("1234567890123456", "42"),
    ("", "501"),
    ("31.12.2023", "2024-01-02"),
    ("march", "April"),
    ("10 items", "11 items"),
    ("9:05", "10:05:00"),
]


@pytest.mark.parametrize(("before", "after"), DAMAGED)
def test_what_a_spreadsheet_loses_is_named(before: str, after: str) -> None:
    assert damage(before, after)


@pytest.mark.parametrize(("before", "after"), CORRECTED)
def test_what_people_correct_is_none(before: str, after: str) -> None:
    assert damage(before, after) is None


@given(st.integers(1, 10**20), st.integers(1, 6))
def test_zeros_in_front_are_never_lost_without_a_word(number: int, zeros: int) -> None:
    assert damage("0" * zeros + str(number), str(number))


@given(st.integers(10**15 + 1, 10**30))
def test_digits_beyond_the_fifteenth_are_never_lost_without_a_word(number: int) -> None:
    text = str(number)
    kept = text[:15] + "0" * (len(text) - 15)
    shown = f"{Decimal(number):.5E}"
    if kept != text:
        assert damage(text, kept)
    if Decimal(shown) != number:
        assert damage(text, shown)


@given(st.dates(), st.sampled_from(["%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%b-%Y", "%d/%m/%Y"]))
def test_a_date_in_another_form_is_no_correction(day: object, form: str) -> None:
    text = str(day)
    if int(text[:4]) >= 1900:
        assert damage(text, f"{day:{form}}")
