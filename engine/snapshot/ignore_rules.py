"""What a snapshot leaves out: `.gitignore`, `.dockerignore`, `.git` and rules from outside the tree."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from engine.snapshot.docker_ignore import DockerIgnore
    from engine.snapshot.git_ignore import GitIgnore

# keep: part of the tree. way: a directory that is kept only for what is kept below it. ignore: not there.
Decision = Literal["keep", "way", "ignore"]

GIT_IGNORE = ".gitignore"


class IgnoreRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that hold for a tree, as texts.

    below: where the tree lies in the repository, "" or `sub/dir/`.
    outer: ignore files from outside the tree as (directory in the repository, content), the strongest
    first. docker: the content of `.dockerignore`; docker_below: where the tree lies below it.
    tracked: paths that git has although they are ignored. leaves_out_repositories: a directory with
    a `.git` of its own is not part of the tree.
    """

    below: str = ""
    outer: tuple[tuple[str, bytes], ...] = ()
    docker: bytes | None = None
    docker_below: str = ""
    tracked: tuple[str, ...] = ()
    leaves_out_repositories: bool = False

    def signature(self) -> str:
        """Changes whenever a decision might, other than by a `.gitignore` inside the tree."""
        return hashlib.sha256(repr(self).encode("utf-8", "surrogateescape")).hexdigest()

    def at_root(self, root: str) -> DirectoryRules:
        """The rules in the root directory of the tree."""
        # Late: a look at an unchanged tree decides nothing.
        from engine.snapshot.docker_ignore import parse_docker_ignore
        from engine.snapshot.git_ignore import GitIgnore, parse_git_ignore

        parsed = [(len(os.fsencode(directory)), parse_git_ignore(text)) for directory, text in self.outer]
        git = GitIgnore(os.fsencode(self.below), [level for level in parsed if level[1]])
        docker = None
        if self.docker is not None:
            docker = parse_docker_ignore(self.docker.decode("utf-8", "surrogateescape"))
            for name in self.docker_below.split("/")[:-1]:
                docker = docker.below(name)
        tracked = frozenset(self.tracked)
        return DirectoryRules(root, "", git, docker, tracked, _directories_of(tracked)).with_own_file()


class DirectoryRules:
    """The rules as they hold in one directory of the tree."""

    def __init__(
        self,
        root: str,
        directory: str,
        git: GitIgnore | None,
        docker: DockerIgnore | None,
        tracked: frozenset[str],
        tracked_directories: frozenset[str],
    ) -> None:
        """git None: git ignores the directory, only what it tracks counts."""
        self._root = root
        self._directory = directory
        self._git = git
        self._docker = docker
        self._tracked = tracked
        self._tracked_directories = tracked_directories

    def decide(self, name: str, is_directory: bool) -> Decision:
        """What becomes of `name` in this directory; `.git` never counts."""
        if name == ".git":
            return "ignore"
        decision: Decision = "keep"
        if self._is_ignored_by_git(name, is_directory):
            path = self._path(name)
            if is_directory and path in self._tracked_directories:
                decision = "way"
            elif path not in self._tracked:
                return "ignore"
        if self._docker is not None and self._docker.ignores(name):
            if not is_directory or not self._docker.brings_back:
                return "ignore"
            decision = "way"
        return decision

    def below(self, name: str) -> DirectoryRules:
        """The rules in the directory `name` of this one, its own `.gitignore` read."""
        git = None if self._is_ignored_by_git(name, True) or self._git is None else self._git.below(name)
        docker = None if self._docker is None else self._docker.below(name)
        path = self._path(name)
        rules = DirectoryRules(self._root, path, git, docker, self._tracked, self._tracked_directories)
        return rules.with_own_file()

    def with_own_file(self) -> DirectoryRules:
        """The same with the `.gitignore` of the directory, a regular file, taken in."""
        if self._git is None:
            return self
        content = _content(os.path.join(self._root, self._path(GIT_IGNORE)))
        if content is None:
            return self
        from engine.snapshot.git_ignore import parse_git_ignore

        git = self._git.with_own(parse_git_ignore(content))
        return DirectoryRules(
            self._root, self._directory, git, self._docker, self._tracked, self._tracked_directories
        )

    def _is_ignored_by_git(self, name: str, is_directory: bool) -> bool:
        return self._git is None or self._git.ignores(name, is_directory)

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}" if self._directory else name


def is_ignored(top: str, path: str) -> bool:
    """True when a repository whose working tree is `top` ignores the directory `path` below it."""
    rules = IgnoreRules().at_root(top)
    for name in path.split("/") if path else ():
        if rules.decide(name, True) == "ignore":
            return True
        rules = rules.below(name)
    return False


def _content(path: str) -> bytes | None:
    """What a regular file holds; None for anything else, as for git."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _directories_of(paths: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    for path in paths:
        parent = os.path.dirname(path)
        while parent and parent not in found:
            found.add(parent)
            parent = os.path.dirname(parent)
    return frozenset(found)
