"""A project that has been run twice, for tests of what looks at past runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program

DEFINITION = """\
base: {image: "host:", config: none}
tasks:
  - key: code
    call: outcrop/workspace 1.0.0
  - key: deps
    use: code
    filter: [src]
    env: {MODE: MODE_WORD}
    run: |
      echo installing SCRIPT_WORD
      mkdir -p lib && cp src/a lib/a && chmod 755 lib/a
      ln -s lib/a link
      echo hello > "$RWX_VALUES/greeting"
      echo careful > "$RWX_WARNINGS/careful"
  - key: unit
    use: deps
    run: for number in 1 2 3; do echo "unit $number"; done; printf 'no newline'
  - key: build
    use: deps
    run: |
      echo building
      echo out > out.txt; chmod 600 README; rm -r lib
      printf 'a\\0b' > binary
      exit 3
  - key: report
    use: build
    run: echo never
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Run once, then again after a file, a variable and a script line have changed. `build` fails."""
    program = Program(directory=tmp_path_factory.mktemp("outcrop"))
    program.prepare()
    (program.project / "src").mkdir()
    (program.project / "README").write_text("read me\n")
    _write(program, "first")
    assert program("run").exit_code == 1
    _write(program, "second")
    assert program("run").exit_code == 1
    return program


def _write(program: Program, word: str) -> Path:
    (program.project / "src" / "a").write_text(f"a {word}\n")
    (program.project / "src" / word).write_text("new\n")
    return program.define(DEFINITION.replace("MODE_WORD", word).replace("SCRIPT_WORD", word))
