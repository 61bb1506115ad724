"""What somebody may do to a working tree, at random and as often as one likes; the same for the same seed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.watch.random_definitions import FOLDERS, RandomDefinition

_BRANCHES = ("main", "other", "third")
_FILES = ("f1", "f2", "f3", "note.txt")
_INNER = ("", "x", "x/y", "z")
_IGNORE = ("*.log\nignored/\n", "*.log\nignored/\n*.txt\n", "*.log\nignored/\nx/\n!b/x\n")
Step = Callable[[], None]


class RandomWork:
    """A project in a repository with branches. `do_something` does one thing; `done` tells what, so far."""

    def __init__(self, directory: Path, definition: RandomDefinition, random: Random) -> None:
        self.done: list[str] = []
        self.definition = definition
        self._random = random
        self._directory = directory
        self._source = directory / "src"
        self._is_broken = False
        self._has_stashed = False
        steps: dict[Step, int] = {
            self.edit: 10,
            self.save_by_renaming: 5,
            self.save_with_a_backup: 3,
            self.replace_with_the_same_size_and_time: 8,
            self.change_mode: 4,
            self.touch: 2,
            self.point_a_link_elsewhere: 4,
            self.swap_file_and_folder: 4,
            self.make_a_folder: 4,
            self.remove_a_folder: 3,
            self.rename_a_folder: 4,
            self.replace_a_folder: 3,
            self.remove_a_file: 4,
            self.rename_a_file: 4,
            self.write_what_is_ignored: 4,
            self.ignore_otherwise: 2,
            self.break_or_mend_a_file: 6,
            self.check_out: 4,
            self.commit: 2,
            self.stash: 2,
            self.define_otherwise: 10,
            self.break_the_definition: 3,
        }
        self._steps = tuple(steps)
        self._weights = tuple(steps.values())
        self._begin()

    def do_something(self) -> None:
        """One step."""
        step = self._random.choices(self._steps, self._weights)[0]
        self.done.append(step.__name__)
        step()

    def mend(self) -> None:
        """Whatever was done, the definition is in order afterwards."""
        self.done.append("mend")
        self._save(self._directory / "outcrop.yml", self.definition.text)
        self._is_broken = False

    def _begin(self) -> None:
        for folder in FOLDERS:
            for inner in ("", "x"):
                for name in _FILES[:2]:
                    self._write(self._source / folder / inner / name)
        self._save(self._directory / ".gitignore", _IGNORE[0])
        self.mend()
        self._git("init", "-qb", "main")
        for branch in _BRANCHES:
            self._git("checkout", "-qb", branch)
            for _ in range(6):
                self._write(self._path())
            self._git("add", ".")
            self._git("commit", "-qm", branch)
        self._git("checkout", "-qf", "main")
        self.mend()

    # Files.

    def edit(self) -> None:
        """Truncate and write."""
        self._write(self._file())

    def save_by_renaming(self) -> None:
        path = self._file()
        new = path.with_name("4913")
        self._write(new)
        new.replace(path)

    def save_with_a_backup(self) -> None:
        path = self._file()
        backup = path.with_name(path.name + "~")
        path.rename(backup)
        self._write(path)
        backup.unlink()

    def replace_with_the_same_size_and_time(self) -> None:
        path = self._file()
        if path.is_symlink():
            return
        status = path.stat()
        text = path.read_text()
        changed = text.swapcase()
        if self._random.random() < 0.5:
            path.write_text(changed)
        else:
            new = path.with_name("4913")
            new.write_text(changed)
            new.chmod(status.st_mode & 0o7777)
            new.replace(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def change_mode(self) -> None:
        path = self._file() if self._random.random() < 0.7 else self._folder()
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o7777 ^ 0o011)

    def touch(self) -> None:
        os.utime(self._file(), follow_symlinks=False)

    def point_a_link_elsewhere(self) -> None:
        links = [path for path in self._all() if path.is_symlink()]
        path = self._random.choice(links) if links else self._folder() / "link"
        new = path.with_name("4913")
        new.symlink_to(self._random.choice((*_FILES, "x", "../b", "nowhere")))
        new.replace(path) if links or not path.exists() else new.unlink()

    def swap_file_and_folder(self) -> None:
        if self._random.random() < 0.5:
            path = self._file()
            path.unlink()
            self._write(path / self._random.choice(_FILES))
        else:
            path = self._folder()
            shutil.rmtree(path)
            self._write(path)

    def make_a_folder(self) -> None:
        path = self._path() / "new" / "deep"
        self._make_way(path)
        path.mkdir(parents=True, exist_ok=True)
        if self._random.random() < 0.7:
            self._write(path / self._random.choice(_FILES))

    def remove_a_folder(self) -> None:
        shutil.rmtree(self._folder())

    def rename_a_folder(self) -> None:
        path, target = self._folder(), self._folder().with_name(f"renamed{self._random.randrange(3)}")
        if not os.path.lexists(target) and path not in target.parents:
            path.rename(target)

    def replace_a_folder(self) -> None:
        path = self._folder()
        new, old = path.with_name("new-one"), path.with_name("old-one")
        shutil.copytree(path, new, symlinks=True)
        self._write(new / self._random.choice(_FILES))
        path.rename(old)
        new.rename(path)
        shutil.rmtree(old)

    def remove_a_file(self) -> None:
        self._file().unlink()

    def rename_a_file(self) -> None:
        path, target = self._file(), self._path()
        if path not in target.parents and not target.is_dir():
            self._make_way(target)
            if os.path.lexists(path):
                path.rename(target)

    def write_what_is_ignored(self) -> None:
        folder = self._folder()
        self._write(folder / "noise.log")
        self._write(folder / "ignored" / "deep" / "file")

    def ignore_otherwise(self) -> None:
        place = self._directory if self._random.random() < 0.7 else self._folder()
        self._save(place / ".gitignore", self._random.choice(_IGNORE))

    def break_or_mend_a_file(self) -> None:
        """What the tests look for in it."""
        path = self._file()
        if not path.is_symlink():
            path.write_text("bad\n" if "bad" not in path.read_text() else "good\n")

    # The repository.

    def check_out(self) -> None:
        self._git("checkout", "-qf", self._random.choice(_BRANCHES))

    def commit(self) -> None:
        self._git("add", ".")
        self._git("commit", "-qm", "more")

    def stash(self) -> None:
        """Away with what is not committed; the next time back again, where that can be done."""
        self._git(*(("stash", "pop") if self._has_stashed else ("stash", "-qu")))
        self._git("reset", "-q")
        self._has_stashed = not self._has_stashed

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "gc.auto=0")
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=self._directory, check=False, capture_output=True)

    # The definition.

    def define_otherwise(self) -> None:
        step = self._random.choice(self.definition.steps)
        self.done[-1] = step.__name__
        step()
        self._save(self._directory / "outcrop.yml", self.definition.text)

    def break_the_definition(self) -> None:
        broken = self._random.choice(("- {key: [\n", "- {key: new, use: nothing, run: x}\n", "\tx"))
        self._save(self._directory / "outcrop.yml", self.definition.text + broken)

    # How it is written, and where.

    def _save(self, path: Path, text: str) -> None:
        """In one of the ways of editors."""
        if self._random.random() < 0.5 or not path.parent.is_dir():
            path.write_text(text)
        else:
            new = path.with_name("4913")
            new.write_text(text)
            new.replace(path)

    def _write(self, path: Path) -> None:
        self._make_way(path)
        if path.is_dir() and not path.is_symlink():
            path = path / "f1"
            self._make_way(path)
        if path.is_dir() or path.is_symlink():
            return
        words = self._random.choices(("one", "two", "three", "four"), k=self._random.randrange(1, 4))
        path.write_text(" ".join(words) + "\n")

    def _make_way(self, path: Path) -> None:
        """Directories above it, whatever is there now."""
        for parent in reversed(path.relative_to(self._source).parents):
            place = self._source / parent
            if place.is_symlink() or place.is_file():
                place.unlink()
            place.mkdir(exist_ok=True)

    def _path(self) -> Path:
        random = self._random
        return self._source / random.choice(FOLDERS) / random.choice(_INNER) / random.choice(_FILES)

    def _all(self) -> list[Path]:
        if not self._source.is_dir():
            self._write(self._path())
        return sorted(path for path in self._source.rglob("*") if path.name != "4913")

    def _file(self) -> Path:
        """One that is there, or a link."""
        files = [path for path in self._all() if path.is_symlink() or path.is_file()]
        while not files:
            self._write(self._path())
            files = [path for path in self._all() if path.is_symlink() or path.is_file()]
        return self._random.choice(files)

    def _folder(self) -> Path:
        folders = [path for path in self._all() if path.is_dir() and not path.is_symlink()]
        if not folders:
            self._write(self._path())
            return self._folder()
        return self._random.choice(folders)
