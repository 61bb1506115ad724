"""Real git repositories for tests, untouched by this machine's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "An Author",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "A Committer",
    "GIT_COMMITTER_EMAIL": "committer@example.com",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}


def use_plain_git(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let git, in this process and below, see nothing but the home directory given."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def git(directory: Path, *arguments: str) -> str:
    """Run git there; what it prints."""
    return subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=directory,
        env={**os.environ, **_ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def make_repository(directory: Path, **files: str) -> Path:
    """A repository whose branch `main` has one commit of these files."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "-q", "-b", "main")
    commit(directory, "first commit", **files)
    return directory


def commit(directory: Path, message: str, **files: str) -> str:
    """Write files (`__` is a slash, `_dot_` a dot) and commit all; the commit."""
    write(directory, **files)
    git(directory, "add", "--all")
    git(directory, "commit", "-q", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def write(directory: Path, **files: str) -> None:
    """Write files, parents included."""
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
