"""The packages that come with outcrop, as data: their names, versions and parameters (reference §18)."""

from __future__ import annotations

import msgspec


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a package; its value is a string, `default` when the caller gives none."""

    name: str
    description: str
    required: bool = False
    default: str = ""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package that a task may `call`; any version of the given majors is accepted."""

    name: str
    description: str
    majors: tuple[int, ...]
    parameters: tuple[Parameter, ...]

    def accepts(self, version: str) -> bool:
        """True when `version` is `X.Y.Z` of one of the majors."""
        parts = version.split(".")
        return (
            len(parts) == 3
            and all(part.isascii() and part.isdigit() for part in parts)
            and int(parts[0]) in self.majors
        )


_GIT_CLONE = Package(
    name="git/clone",
    description="The files of a git repository; the local working tree when it is the project's own",
    majors=(1, 2),
    parameters=(
        Parameter(name="repository", description="URL of the repository", required=True),
        Parameter(name="ref", description="commit, branch or tag to check out; empty: HEAD", required=True),
        Parameter(name="path", description="where in the workspace the files go", default="./"),
        Parameter(name="preserve-git-dir", description="keep `.git`", default="false"),
        Parameter(name="submodules", description="check out submodules too", default="true"),
        Parameter(name="lfs", description="fetch the files that git LFS stores", default="false"),
        Parameter(name="fetch-full-depth", description="fetch the whole history", default="false"),
        Parameter(name="github-token", description="token for https access to GitHub"),
        Parameter(name="ssh-key", description="private key for ssh access"),
        Parameter(name="meta-ref", description="name of the ref to report when `ref` is a commit"),
        Parameter(name="tool-cache-key-prefix", description="accepted, without effect"),
    ),
)

_WORKSPACE = Package(
    name="outcrop/workspace",
    description="A snapshot of the local directory, without what .gitignore and .dockerignore exclude",
    majors=(1,),
    parameters=(
        Parameter(name="path", description="directory below the project root", default="."),
        Parameter(name="include", description="globs of what to take, one a line; empty: everything"),
        Parameter(name="exclude", description="globs of what to leave out, one a line"),
    ),
)

# What a task may `call`, by name.
BUILTIN: dict[str, Package] = {package.name: package for package in (_GIT_CLONE, _WORKSPACE)}

# What `base.config` may name besides `none`; any version.
BASE_CONFIGURATIONS: tuple[str, ...] = ("rwx/base",)
