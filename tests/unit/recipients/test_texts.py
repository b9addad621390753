import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.recipients.texts import TextTemplate, UnfitFieldError, is_silent


def test_placeholders_become_the_rows_fields():
    template = TextTemplate("שלום {name}, ב-{time} בחדר {room}")
    assert template.fill({"name": "דנה", "time": "10:30", "room": 4}) == "שלום דנה, ב-10:30 בחדר 4"


def test_doubled_braces_are_braces():
    assert TextTemplate("{{x}} {x}").fill({"x": 1}) == "{x} 1"


@pytest.mark.parametrize("row", [{}, {"name": None}])
def test_a_missing_field_is_named(row):
    with pytest.raises(UnfitFieldError, match="field 'name'"):
        TextTemplate("Hello {name}").fill(row)


@pytest.mark.parametrize("template", ["Hello {", "Hello }", "Hello {name"])
def test_a_brace_that_is_no_placeholder_is_an_error(template):
    with pytest.raises(InforuInputError, match="brace"):
        TextTemplate(template)


@pytest.mark.parametrize("template", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{ a }"])
def test_a_placeholder_is_a_name_and_nothing_else(template):
    with pytest.raises(InforuInputError, match="placeholder"):
        TextTemplate(template)


@given(st.text().filter(lambda text: not is_silent(text)))
def test_a_fields_value_is_never_read_as_a_template(value):
    assert TextTemplate("{a}").fill({"a": value, "b": "secret"}) == value
