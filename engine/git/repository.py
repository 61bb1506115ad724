"""What git knows of a project: its repository, HEAD, remotes and ignore files.

Files are read directly, which takes a fraction of a millisecond; git itself is asked only where they
cannot say it (references in a table, packed objects, includes in its configuration).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from engine.git.config import default_excludes_file, global_files, parse_config
from engine.model.errors import MachineError, UserError

_DEPTH = 5  # symbolic references to symbolic references
_MANY_TAGS = 200

# What a hook or an alias of git leaves in the environment, and would point us elsewhere.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """top: the working tree. git_dir: its `.git`. common: where branches are, in linked worktrees too."""

    top: str
    git_dir: str
    common: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit as its object says it; everything empty when there is none."""

    sha: str = ""
    message: str = ""
    committer_name: str = ""
    committer_email: str = ""

    @property
    def summary(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


class GitHead(msgspec.Struct, frozen=True, kw_only=True):
    """HEAD of a project, for `event.git.*` and the record of a run; empty strings outside git."""

    branch: str = ""
    sha: str = ""
    ref: str = ""
    tag: str = ""
    url: str = ""


def find_repository(directory: str) -> Repository | None:
    """The repository whose working tree `directory` (absolute) lies in."""
    top = directory
    while True:
        place = os.path.join(top, ".git")
        if os.path.isfile(os.path.join(place, "HEAD")):
            return _repository(top, place)
        target = _text(place)
        if target is not None and target.startswith("gitdir:"):
            return _repository(top, os.path.join(top, target[7:].strip()))
        if os.path.dirname(top) == top:
            return None
        top = os.path.dirname(top)


def describe_head(directory: str) -> GitHead:
    """HEAD of the repository that `directory` lies in."""
    repository = find_repository(directory)
    if repository is None:
        return GitHead()
    branch, sha = head(repository)
    tag = tag_at(repository, sha) if sha else ""
    ref = f"refs/heads/{branch}" if branch else f"refs/tags/{tag}" if tag else sha
    urls = remotes(repository)
    url = urls.get("origin") or next(iter(urls.values()), "")
    return GitHead(branch=branch, sha=sha, ref=ref, tag=tag, url=without_credentials(url))


def places_of_head(repository: Repository | None, directory: str) -> tuple[str, ...]:
    """What decides what `directory` has checked out and from where: paths, of which some may not exist."""
    if repository is None:
        return (os.path.join(directory, ".git"),)
    text = (_text(os.path.join(repository.git_dir, "HEAD")) or "").strip()
    name = text[4:].strip() if text.startswith("ref:") else ""
    names = ("HEAD", "config", "packed-refs", "refs/tags", "reftable", *((name,) if name else ()))
    folders = dict.fromkeys((repository.git_dir, repository.common))
    return tuple(os.path.join(folder, name) for folder in folders for name in names)


def head(repository: Repository) -> tuple[str, str]:
    """(checked-out branch or "", commit or "")."""
    text = (_text(os.path.join(repository.git_dir, "HEAD")) or "").strip()
    if not text.startswith("ref:"):
        return "", text
    name = text[4:].strip()
    if name == "refs/heads/.invalid":  # the references are in a table that only git reads
        branch = run_git(repository, "symbolic-ref", "--short", "-q", "HEAD", check=False).strip()
        return branch, run_git(repository, "rev-parse", "-q", "--verify", "HEAD", check=False).strip()
    return name.removeprefix("refs/heads/"), resolve(repository, name)


def resolve(repository: Repository, name: str) -> str:
    """The object that a full reference name stands for; "" when there is none."""
    for _ in range(_DEPTH):
        for place in (repository.git_dir, repository.common):
            text = _text(os.path.join(place, name))
            if text is not None:
                break
        else:
            return _packed(repository).get(name, ("", ""))[0]
        if not text.startswith("ref:"):
            return text.strip()
        name = text[4:].strip()
    return ""


def peel(repository: Repository, name: str) -> str:
    """The commit that a full reference name stands for, an annotated tag seen through; "" when none."""
    sha = resolve(repository, name)
    if not sha:
        if os.path.isdir(os.path.join(repository.common, "reftable")):
            return _rev_parse(repository, name)
        return ""
    packed, peeled = _packed(repository).get(name, ("", ""))
    if packed == sha and peeled:
        return peeled
    content = _loose_object(repository, sha)
    if content is None:
        return _rev_parse(repository, name)
    return sha if content.startswith(b"commit ") else _peeled(repository, sha)


def _rev_parse(repository: Repository, name: str) -> str:
    return run_git(repository, "rev-parse", "-q", "--verify", f"{name}^{{commit}}", check=False).strip()


def tag_at(repository: Repository, sha: str) -> str:
    """The first tag, by name, of this commit; "" when it has none."""
    found = []
    loose = _loose_tags(repository)
    if loose is None:
        listing = run_git(
            repository, "for-each-ref", f"--points-at={sha}", "--format=%(refname:short)", "refs/tags"
        )
        return min(listing.split("\n"), default="")
    for name, (target, peeled) in _packed(repository).items():
        if name.startswith("refs/tags/") and sha in (target, peeled):
            found.append(name.removeprefix("refs/tags/"))
    for name, target in loose.items():
        if target == sha or _peeled(repository, target) == sha:
            found.append(name)
    return min(found, default="")


def remotes(repository: Repository) -> dict[str, str]:
    """URL by name of remote, as configured."""
    if _has_includes((os.path.join(repository.common, "config"),)):
        listing = run_git(repository, "config", "--get-regexp", r"^remote\..*\.url$", check=False)
        pairs = [line.partition(" ") for line in listing.splitlines()]
        return {name.removeprefix("remote.").removesuffix(".url"): url for name, _, url in pairs}
    found: dict[str, str] = {}
    for section, name, setting in parse_config(_text(os.path.join(repository.common, "config")) or ""):
        if section == "remote" and setting.startswith("url="):
            found.setdefault(name, setting[4:])
    return found


def excludes_file(repository: Repository) -> str:
    """The path of `core.excludesFile`, or where it is by default; "" when switched off."""
    files = (*global_files(), os.path.join(repository.common, "config"))
    if _has_includes(files) or any(name.startswith("GIT_CONFIG") for name in os.environ):
        asked = run_git(repository, "config", "--type=path", "--get", "core.excludesfile", check=False)
        return asked.rstrip("\n") or default_excludes_file()
    path = None
    for file in files:
        for section, _, setting in parse_config(_text(file) or ""):
            if section == "core" and setting.startswith("excludesfile="):
                path = setting[len("excludesfile=") :]
    if path is None:
        return default_excludes_file()
    return os.path.join(repository.top, os.path.expanduser(path)) if path else ""


def read_commit(repository: Repository, sha: str) -> Commit:
    """What the commit says of itself."""
    content = _loose_object(repository, sha)
    if content is None or not content.startswith(b"commit "):
        text = os.fsencode(run_git(repository, "cat-file", "commit", sha)).decode("utf-8", "replace")
    else:
        text = content.partition(b"\0")[2].decode("utf-8", "replace")
    headers, _, message = text.partition("\n\n")
    name = email = ""
    for line in headers.split("\n"):
        if line.startswith("committer "):
            name, _, rest = line.removeprefix("committer ").partition(" <")
            email = rest.partition(">")[0]
    return Commit(sha=sha, message=message.rstrip("\n"), committer_name=name, committer_email=email)


def without_credentials(url: str) -> str:
    """The URL without a user name and password before the host, where it has a scheme."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not separator or "@" not in host or scheme == "ssh":
        return url
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def run_git(
    repository: Repository | None,
    *arguments: str,
    check: bool = True,
    environment: Mapping[str, str] | None = None,
    directory: str | None = None,
) -> str:
    """Run git and return what it prints. It runs no hooks, asks no questions and starts no monitor.

    A failure is a UserError with git's own words, unless `check` is False, which gives "".
    """
    # Late: most runs never start git.
    import subprocess

    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    inherited.update({"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"})
    if repository is not None:
        inherited.update({"GIT_DIR": repository.git_dir, "GIT_WORK_TREE": repository.top})
    inherited.update(environment or {})
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=directory or (repository.top if repository is not None else "/"),
            env=inherited,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise MachineError("`git` is missing", hint="install the package `git`") from None
    if done.returncode == 0:
        return os.fsdecode(done.stdout)
    if not check:
        return ""
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = next((line for line in words if line.startswith(("fatal:", "error:"))), " ".join(words[-1:]))
    raise UserError(f"`git {arguments[0]}` failed: {reason}")


def _repository(top: str, git_dir: str) -> Repository:
    git_dir = os.path.normpath(git_dir)
    common = (_text(os.path.join(git_dir, "commondir")) or "").strip()
    return Repository(
        top=top,
        git_dir=git_dir,
        common=os.path.normpath(os.path.join(git_dir, common)) if common else git_dir,
    )


def _packed(repository: Repository) -> dict[str, tuple[str, str]]:
    """Full name -> (object, commit it is a tag of, if it is one)."""
    found: dict[str, tuple[str, str]] = {}
    name = ""
    for line in (_text(os.path.join(repository.common, "packed-refs")) or "").splitlines():
        if line.startswith("^"):
            found[name] = (found[name][0], line[1:])
        elif not line.startswith("#"):
            sha, _, name = line.partition(" ")
            found[name] = (sha, "")
    return found


def _loose_tags(repository: Repository) -> dict[str, str] | None:
    """Name -> object of the tags in files of their own; None when git had better be asked."""
    top = os.path.join(repository.common, "refs/tags")
    if os.path.isdir(os.path.join(repository.common, "reftable")):
        return None
    found: dict[str, str] = {}
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            found[path[len(top) + 1 :]] = (_text(path) or "").strip()
            if len(found) > _MANY_TAGS:
                return None
    if any(_loose_object(repository, sha) is None for sha in found.values()):
        return None
    return found


def _peeled(repository: Repository, sha: str) -> str:
    """The commit that an annotated tag is of, "" for anything else."""
    content = _loose_object(repository, sha) or b""
    if not content.startswith(b"tag "):
        return ""
    first = content.partition(b"\0")[2].partition(b"\n")[0].decode("ascii", "replace")
    return first.removeprefix("object ")


def _loose_object(repository: Repository, sha: str) -> bytes | None:
    """An object in a file of its own, `TYPE SIZE NUL CONTENT`; None when it is elsewhere."""
    # Late: a run that asks for nothing but the branch needs no object.
    import zlib

    try:
        with open(os.path.join(repository.common, "objects", sha[:2], sha[2:]), "rb") as file:
            return zlib.decompress(file.read())
    except (OSError, zlib.error):
        return None


def _has_includes(files: tuple[str, ...]) -> bool:
    return any("[include" in (_text(file) or "").lower() for file in files)


def _text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read())
    except OSError:
        return None
