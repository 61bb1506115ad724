"""Published packages: the built-in ones, and those found on the search path (reference §18)."""

from __future__ import annotations

import os
import re

from engine.definition.problems import Problems
from engine.definition.yaml_nodes import Mapping, Scalar
from engine.definition.yaml_reader import decode, read_yaml

_CALL = re.compile(r"(?P<name>[a-z0-9-]+/[a-z0-9-]+) +(?P<version>[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9})\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
MAXIMUM_FILE = 16 * 2**20


class Parameter:
    """A parameter of a package."""

    __slots__ = ("description", "is_required")

    def __init__(self, description: str, *, is_required: bool = False) -> None:
        self.description = description
        self.is_required = is_required


class Package:
    """What a caller has to know; `root` is the file's map, None for a built-in package."""

    __slots__ = ("is_built_in", "name", "parameters", "path", "root", "version")

    def __init__(
        self,
        name: str,
        version: str,
        parameters: dict[str, Parameter],
        *,
        path: str = "",
        root: Mapping | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.parameters = parameters
        self.path = path
        self.root = root
        self.is_built_in = not path


_CLONE = {
    "repository": Parameter("the repository to clone", is_required=True),
    "ref": Parameter("the branch, tag or commit", is_required=True),
    "path": Parameter("where in the workspace the files go"),
    "preserve-git-dir": Parameter("keep `.git`"),
    "submodules": Parameter("clone submodules too"),
    "lfs": Parameter("fetch the files of Git LFS"),
    "fetch-full-depth": Parameter("fetch the whole history"),
    "github-token": Parameter("a token for private repositories"),
    "ssh-key": Parameter("an SSH key for private repositories"),
    "meta-ref": Parameter("the ref that `RWX_GIT_REF` shows"),
    "tool-cache-key-prefix": Parameter("a prefix for the tool cache"),
}
_WORKSPACE = {
    "path": Parameter("the directory to take, below the project root"),
    "include": Parameter("globs of what to take, one a line"),
    "exclude": Parameter("globs of what to leave out, one a line"),
}
# name -> (major versions that the built-in stands for, None for all; newest; parameters)
_BUILT_IN: dict[str, tuple[tuple[int, ...] | None, str, dict[str, Parameter]]] = {
    "git/clone": ((1, 2), "2.0.8", _CLONE),
    "outcrop/workspace": ((1,), "1.0.0", _WORKSPACE),
    "rwx/base": (None, "1.0.0", {}),
}


def split_call(text: str) -> tuple[str, str] | None:
    """(name, version) of `ns/name X.Y.Z`; None for anything else."""
    match = _CALL.match(text.strip())
    return None if match is None else (match["name"], match["version"])


def is_digest(text: str) -> bool:
    """True for 64 hex digits, which name the tree of a package directory."""
    return _DIGEST.match(text) is not None


class PackageSearch:
    """Finds packages in the given directories, in their order, then among the built-ins."""

    def __init__(self, directories: tuple[str, ...]) -> None:
        self._directories = directories
        self._candidates: dict[str, list[Package]] = {}
        self.files: list[str] = []

    def names(self) -> list[str]:
        """Every package that exists, for suggestions."""
        found = [
            f"{namespace}/{name}"
            for directory in self._directories
            for namespace in _subdirectories(directory)
            for name in _subdirectories(os.path.join(directory, namespace))
            if os.path.exists(os.path.join(directory, namespace, name, "rwx-package.yml"))
        ]
        return list(dict.fromkeys([*_BUILT_IN, *found]))

    def find(self, name: str, version: str) -> Package | None:
        """The package of exactly this version, else the nearest of the same major, else None."""
        wanted = _numbers(version)
        candidates = self._found_on_path(name)
        for candidate in candidates:
            if candidate.version == version:
                return candidate
        built_in = _BUILT_IN.get(name)
        if built_in is not None and (built_in[0] is None or wanted[0] in built_in[0]):
            return Package(name, version, built_in[2])
        same_major = [
            (numbers, candidate)
            for candidate in candidates
            if (numbers := _numbers(candidate.version))[0] == wanted[0]
        ]
        above = [pair for pair in same_major if pair[0] > wanted]
        if above:
            return min(above, key=lambda pair: pair[0])[1]
        return max(same_major, key=lambda pair: pair[0])[1] if same_major else None

    def versions(self, name: str) -> list[str]:
        """The versions that exist of a package, oldest first."""
        found = {candidate.version for candidate in self._found_on_path(name)}
        if name in _BUILT_IN:
            found.add(_BUILT_IN[name][1])
        return sorted(found, key=_numbers)

    def _found_on_path(self, name: str) -> list[Package]:
        if name not in self._candidates:
            paths = [
                os.path.join(directory, *name.split("/"), "rwx-package.yml")
                for directory in self._directories
            ]
            found = [self._read(name, path) for path in dict.fromkeys(paths)]
            self._candidates[name] = [package for package in found if package is not None]
        return self._candidates[name]

    def _read(self, name: str, path: str) -> Package | None:
        self.files.append(path)
        root = read_file(path)
        if not isinstance(root, Mapping):
            return None
        mark = root.get("package")
        metadata = mark if isinstance(mark, Mapping) else root
        version = metadata.get("version")
        if not isinstance(version, Scalar) or not re.match(r"[0-9]+\.[0-9]+\.[0-9]+\Z", version.source):
            return None
        return Package(name, version.source, declared_parameters(metadata), path=path, root=root)


def declared_parameters(metadata: Mapping) -> dict[str, Parameter]:
    """`parameters` of a package, of whatever shape."""
    declared = metadata.get("parameters")
    found: dict[str, Parameter] = {}
    if isinstance(declared, Mapping):
        for name, (_, value) in declared.entries.items():
            required = value.get("required") if isinstance(value, Mapping) else None
            description = value.get("description") if isinstance(value, Mapping) else None
            found[name] = Parameter(
                description.text if isinstance(description, Scalar) else "",
                is_required=isinstance(required, Scalar) and required.text == "true",
            )
    return found


def read_file(path: str) -> object:
    """The YAML of a called file; None when it is missing or no YAML, which its own lint says."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAXIMUM_FILE)
    except (OSError, ValueError):
        return None
    problems = Problems(path)
    text = decode(data, problems)
    return None if text is None else read_yaml(text, problems)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in version.split("."))


def _subdirectories(path: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
    except OSError:
        return []
