"""Text that a CSV file carries through a spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.outcomes.spreadsheet_cells import from_cell, to_cell


@pytest.mark.parametrize("start", "=+-@\t\r\n＝＋－＠")
def test_a_text_that_is_a_formula_gets_a_quote_in_front(start):
    assert to_cell(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("value", ["a=1", "1-2", "", " =1", 8, -8, None])
def test_other_text_and_numbers_stay(value):
    assert to_cell(value) == value


@given(st.text(alphabet="'=+-@\t\r\n＝ab", max_size=6))
def test_a_cell_is_read_back_as_what_it_was(text):
    assert from_cell(to_cell(text)) == text
