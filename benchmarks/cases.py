"""The inputs of every case, as outcrop and as a Dockerfile understand them; the same work in both."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

BUSYBOX = "busybox"
ONE_LINE = "the quick brown fox jumps over the lazy dog, and the dog does not mind"
LINES = 1_000_000


@dataclass(frozen=True)
class Case:
    """`dockerfile` None: only outcrop can do this. `steps` are timed in this order, `cold` first."""

    name: str
    title: str
    definition: str
    dockerfile: str | None
    steps: tuple[str, ...] = ("cold", "unchanged")


def _definition(root: Path, tasks: list[str]) -> str:
    header = f'base: {{image: "rootfs:{root}", config: none}}\ntasks:\n'
    return header + "".join(f"  - {task}\n" for task in tasks)


_FROM = f"FROM scratch\nCOPY {BUSYBOX} /bin/sh\n"


def chain(root: Path, length: int = 20) -> Case:
    """A line of trivial tasks, each on top of the one before."""
    tasks = [
        f"{{key: t{i}, use: [{f't{i - 1}' if i else ''}], run: echo {i} > /f{i}}}" for i in range(length)
    ]
    runs = "".join(f"RUN echo {i} > /f{i}\n" for i in range(length))
    return Case("S20", f"chain of {length} trivial tasks", _definition(root, tasks), _FROM + runs)


def fan(root: Path, width: int = 48) -> Case:
    """Trivial tasks side by side, then one that uses all of them."""
    tasks = [f"{{key: t{i}, run: echo {i} > /o{i}}}" for i in range(width)]
    tasks.append(f"{{key: all, use: [{', '.join(f't{i}' for i in range(width))}], run: cat /o* > /all}}")
    base = _FROM.replace("scratch", "scratch AS base")
    stages = "".join(f"FROM base AS s{i}\nRUN echo {i} > /o{i}\n" for i in range(width))
    copies = "".join(f"COPY --from=s{i} /o{i} /o{i}\n" for i in range(width))
    return Case(
        "D48",
        f"{width} parallel trivial tasks, then one using all",
        _definition(root, tasks),
        f"{base}{stages}FROM base\n{copies}RUN cat /o* > /all\n",
    )


def workspace(root: Path) -> Case:
    """Ten thousand files and one task that reads one of them."""
    tasks = [
        "{key: code, call: outcrop/workspace 1.0.0, with: {include: src}}",
        "{key: read, use: code, run: cat src/d0/f0}",
    ]
    return Case(
        "F10k",
        "workspace of 10,000 files and one task",
        _definition(root, tasks),
        f"{_FROM}COPY src /src\nRUN cat /src/d0/f0\n",
        ("cold", "unchanged", "one changed", "all touched"),
    )


def thousand(root: Path, columns: int = 40, rows: int = 25) -> Case:
    """A thousand tasks in forty columns."""
    tasks = []
    for i in range(columns * rows):
        below = f"t{i - columns}" if i >= columns else ""
        tasks.append(f"{{key: t{i}, use: [{below}], run: echo {i} > /f{i}}}")
    return Case("T1000", f"{columns * rows:,} tasks", _definition(root, tasks), None)


def lines(root: Path, *, into_file: bool) -> Case:
    """A task that prints a million lines as fast as it can, or writes them into a file."""
    script = f"yes '{ONE_LINE}' | head -n {LINES}"
    if into_file:
        task = f'{{key: lines, run: "{script} > /lines", outputs: {{filesystem: false}}}}'
    else:
        task = f'{{key: lines, run: "{script}"}}'
    name = "LINES-FILE" if into_file else "LINES"
    return Case(name, f"{LINES:,} lines", _definition(root, [task]), None, ("cold",))


def lint(root: Path) -> Case:
    """A definition of 300 lines as people write them."""
    text = _definition(root, ["{key: code, call: outcrop/workspace 1.0.0}"])
    for i in range(37):
        text += (
            f"  - key: step-{i}\n    use: {f'[code, step-{i - 1}]' if i else 'code'}\n"
            f'    filter: [src/{i}, "!src/{i}/**/*.md"]\n    timeout: 5m\n    env:\n'
            f"      LEVEL: ${{{{ run.id == 'x' && 'a' || 'b' }}}}\n"
            f"    run: |\n      make -C src/{i} all\n"
        )
    assert abs(len(text.splitlines()) - 300) < 10, len(text.splitlines())
    return Case("LINT", "lint of 300 lines", text, None, ("unchanged",))


def make_root(directory: Path, busybox: str) -> None:
    """The base of every outcrop case: one static busybox as the shell and the applets that scripts use."""
    (directory / "bin").mkdir(parents=True)
    shutil.copyfile(busybox, directory / "bin/sh")
    (directory / "bin/sh").chmod(0o755)
    for applet in ("cat", "head", "yes"):
        (directory / "bin" / applet).symlink_to("sh")


def make_context(directory: Path, case: Case, busybox: str) -> None:
    """The directory in which every engine builds the case."""
    directory.mkdir()
    (directory / "outcrop.yml").write_text(case.definition)
    if case.dockerfile is not None:
        (directory / "Dockerfile").write_text(case.dockerfile)
        shutil.copyfile(busybox, directory / BUSYBOX)
        (directory / BUSYBOX).chmod(0o755)
    if case.name == "F10k":
        for d in range(100):
            (directory / "src" / f"d{d}").mkdir(parents=True)
            for f in range(100):
                (directory / "src" / f"d{d}" / f"f{f}").write_text(f"{d} {f} " * 50)


def change(directory: Path, step: str, round_: int) -> None:
    """What happens to the files of F10k before a step."""
    if step == "one changed":
        with (directory / "src" / f"d{round_ % 100}" / "f50").open("a") as file:
            file.write("x")
    elif step == "all touched":
        for path in (directory / "src").glob("*/*"):
            path.touch()
