"""The checked-in programs of the sandbox: its first process, and the one that scripts pause with."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from engine import sandbox

FOLDER = Path(sandbox.__file__).parent / "init"
_MACHINES = {"x86_64": 62, "aarch64": 183}


_PROGRAMS = ("outcrop_init", "outcrop_breakpoint")


def test_they_were_built_from_the_source_beside_them() -> None:
    recorded = (FOLDER / "built_from.sha256").read_text().splitlines()
    present = [
        f"{hashlib.sha256((FOLDER / f'{name}.c').read_bytes()).hexdigest()}  {name}.c" for name in _PROGRAMS
    ]
    assert present == recorded, "run init/build.sh"


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("program", _PROGRAMS)
def test_they_are_static_and_small(program: str, machine: str) -> None:
    content = (FOLDER / f"{program}.{machine}").read_bytes()
    assert content[:5] == b"\x7fELF\x02"
    kind, number = struct.unpack_from("<HH", content, 16)
    assert (kind, number) == (2, _MACHINES[machine])
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    segments = [struct.unpack_from("<I", content, offset + index * size)[0] for index in range(count)]
    assert 3 not in segments, "it asks for an interpreter"
    assert len(content) < 8192
