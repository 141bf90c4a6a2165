"""Identity: keys become safe identifiers and come back, fences are read only when they are ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medplum_migration.domain.identity import (
    Fence,
    Identifier,
    decode_key,
    encode_key,
    is_safe_value,
    keyed_hash,
)


@given(st.text(min_size=1, max_size=40))
def test_any_key_survives(key: str) -> None:
    """Every key is spelt in the safe alphabet and comes back unchanged."""
    key = key.encode("utf-8", "replace").decode()

    assert is_safe_value(encode_key(key))
    assert key == decode_key(encode_key(key))


@given(st.lists(st.text("aA0~%| ,\\é", min_size=1, max_size=6), min_size=2, unique=True))
def test_different_keys_stay_different(keys: list[str]) -> None:
    """Near-miss keys never share an identifier."""
    assert len(keys) == len({encode_key(key) for key in keys})


@pytest.mark.parametrize(("key", "spelt"), [("17", "17"), ("a b", "a~20b"), ("~", "~7e")])
def test_spelling(key: str, spelt: str) -> None:
    """Plain keys stay readable."""
    assert spelt == encode_key(key)


def test_tokens_escape_what_a_search_would_read() -> None:
    r"""Backslash, comma, dollar and bar are escaped in a token search."""
    assert "s|a\\,b\\|c\\$d\\\\e" == Identifier("s", "a,b|c$d\\e").token()


@given(
    st.text(min_size=1, max_size=20),
    st.integers(0, 2**62),
    st.integers(0, 10**6),
)
def test_a_fence_survives_its_uri(key: str, version: int, mapping_version: int) -> None:
    """A fence is read back from the URI it was written to."""
    key = key.encode("utf-8", "replace").decode()
    fence = Fence("clinic", "patients", key, version, mapping_version)

    assert fence == Fence.parse(fence.uri())


@pytest.mark.parametrize(
    "uri",
    [None, "", 7, "urn:legacy:clinic:patients:1", "urn:legacy:clinic:patients:1#v=1", "urn:x",
     "urn:legacy:clinic:patients:1#v=1&m=1 ", "urn:legacy:clinic:patients:1#v=\u0661&m=1"],
)  # fmt: skip
def test_what_is_not_a_fence_is_none(uri: object) -> None:
    """A source that somebody else wrote is no fence."""
    assert Fence.parse(uri) is None


def test_keyed_hashes_need_the_key() -> None:
    """The same value has another hash under another key, and parts are not run together."""
    assert keyed_hash(b"a", "x", "y") == keyed_hash(b"a", "x", "y")
    assert keyed_hash(b"a", "x", "y") != keyed_hash(b"b", "x", "y")
    assert keyed_hash(b"a", "xy", "") != keyed_hash(b"a", "x", "y")
