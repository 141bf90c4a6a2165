"""Composite keys as one text: nothing is lost, and no two keys share a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medplum_migration.mapping.source import join_key, split_key

PARTS = st.lists(st.text("a7ec~|ß山\n") | st.text(), min_size=1, max_size=4).map(tuple)


@given(PARTS)
def test_a_key_splits_into_its_parts(parts: tuple[str, ...]) -> None:
    """Whatever the parts hold, their key gives them back, so different parts differ in key."""
    assert parts == split_key(join_key(parts), len(parts))


@given(st.text("~7ecE|a"), st.integers(2, 4))
def test_a_text_is_a_key_only_in_its_one_spelling(text: str, count: int) -> None:
    """What splits is spelled as `join_key` spells it: a record has one key text."""
    parts = split_key(text, count)
    assert parts is None or (text, count) == (join_key(parts), len(parts))


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("7",), "7"),
        (("a|~b",), "a|~b"),
        (("7", "a"), "7|a"),
        (("a|b", "~"), "a~7cb|~7e"),
        (("", ""), "|"),
        (("~7c", "x"), "~7e7c|x"),
    ],
)
def test_the_spelling_is_fixed(parts: tuple[str, ...], text: str) -> None:
    """Outbox rows and identifiers hold these texts, so they never change."""
    assert text == join_key(parts)


@pytest.mark.parametrize("text", ["", "7", "7|a|b", "7|~", "7|~7E", "7|~7d", "~|a", "7|a~"])
def test_other_texts_are_no_keys(text: str) -> None:
    """A text with another number of parts or another escape belongs to no record."""
    assert split_key(text, 2) is None
