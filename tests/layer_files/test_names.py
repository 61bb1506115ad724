"""Every name comes back from the wire as it was, and normal names are not touched."""

from __future__ import annotations

import os

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.layer_files.names import from_wire, to_wire


@given(st.binary(max_size=30))
def test_any_bytes_come_back(raw: bytes) -> None:
    name = os.fsdecode(raw)
    assert from_wire(msgspec.json.decode(msgspec.json.encode(to_wire(name)))) == name


@given(st.text(max_size=20))
def test_text_is_unchanged_unless_it_stands_for_bytes(text: str) -> None:
    name = text.encode("utf-8", "replace").decode()
    if not any("\U0010ff80" <= letter <= "\U0010ffff" for letter in name):
        assert to_wire(name) == name
    assert from_wire(to_wire(name)) == name


def test_what_stands_for_bytes_is_not_taken_for_them() -> None:
    assert from_wire(to_wire("\U0010ffff")) == "\U0010ffff"
    assert to_wire("\udcff") == "\U0010ffff"
    assert from_wire("\ud800") == "\ud800"
