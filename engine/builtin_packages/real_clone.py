"""A real clone, by git itself on this machine, outside of any sandbox.

Outside, because that is where the credentials are: the agent of ssh, credential helpers, `~/.netrc`
and the user's own configuration work as on the command line, and none of them comes near a task.
Hooks, templates and the file system monitor are switched off; nothing of the repository is executed.
A clone is made in a directory of this process and becomes a layer; the commit is remembered with the
digest of its layer, so that it is not cloned again.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from functools import cache

import msgspec

from engine.builtin_packages.package_context import PackageContext
from engine.git.repository import (
    Commit,
    Repository,
    find_repository,
    read_commit,
    run_git,
    without_credentials,
)
from engine.model.errors import UserError
from engine.pending_layer import PendingLayer
from engine.snapshot.cache_file import recall, remember
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, take

_HEX = re.compile(r"[0-9a-f]{7,64}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class CloneRequest(msgspec.Struct, frozen=True, kw_only=True):
    """prefix: where the files go in the layer. github_token, ssh_key: secret, "" for none."""

    url: str
    ref: str
    prefix: str
    with_git_directory: bool
    with_submodules: bool
    with_lfs: bool
    is_full: bool
    github_token: str
    ssh_key: str


class Clone(msgspec.Struct, frozen=True, kw_only=True):
    """What was cloned; full_ref: `refs/…`, or "" for a bare commit."""

    layer: PendingLayer
    commit: Commit
    full_ref: str


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    layer: str
    commit: Commit


def clone(request: CloneRequest, here: Repository | None, context: PackageContext) -> Clone:
    """Clone, or recognise what was cloned before. here: the project's repository, if it is the same one.

    UserError with git's words when the repository or the reference cannot be had.
    """
    credentials = _Credentials(request, context)
    sha, full_ref = ("", "") if here is None else _find_here(here, request.ref)
    source = here if sha else None
    if not sha:
        sha, full_ref = _find_there(request, credentials)
    options = (
        request.with_git_directory,
        request.with_submodules,
        request.with_lfs,
        request.is_full,
        request.prefix,
        context.workspace,
        context.owner,
    )
    question = f"clone 1 {without_credentials(request.url)} {sha} {options}"

    @cache
    def made() -> tuple[Snapshot, Commit]:
        return _clone(request, source, sha, full_ref, credentials, context)

    known = recall(context.store_root, question, _Known)
    if known is None or not context.layers.hold(known.layer):
        found, commit = made()
        known = _Known(layer=found.layer.digest, commit=commit)
        remember(context.store_root, question, known)
    return Clone(
        layer=PendingLayer(
            digest=known.layer,
            manifest=lambda: made()[0].layer.manifest(),
            fill=lambda manifest, directory: made()[0].layer.fill(manifest, directory),
        ),
        commit=known.commit,
        full_ref=full_ref,
    )


def _find_here(repository: Repository, ref: str) -> tuple[str, str]:
    """(commit, full reference) of what the project's repository has under this name; empty when nothing."""
    for name, full_ref in (
        (ref, ref if ref.startswith("refs/") else ""),
        (f"refs/heads/{ref}", f"refs/heads/{ref}"),
        (f"refs/tags/{ref}", f"refs/tags/{ref}"),
        (f"refs/remotes/origin/{ref}", f"refs/heads/{ref}"),
    ):
        if name == ref and not full_ref and not _HEX.fullmatch(ref):
            continue
        found = run_git(repository, "rev-parse", "-q", "--verify", f"{name}^{{commit}}", check=False).strip()
        if found:
            return found, full_ref
    return "", ""


def _find_there(request: CloneRequest, credentials: _Credentials) -> tuple[str, str]:
    """The same, asked of the repository itself."""
    ref = request.ref or "HEAD"
    if _SHA.fullmatch(ref):
        return ref, ""
    names = [ref] if ref.startswith("refs/") or ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
    patterns = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
    listing = credentials.run("ls-remote", "--", credentials.url, *patterns)
    found = {name: sha for sha, _, name in (line.partition("\t") for line in listing.splitlines())}
    for name in names:
        sha = found.get(f"{name}^{{}}") or found.get(name)
        if sha:
            return sha, "" if name == "HEAD" else name
    raise UserError(f"`{credentials.url}` has no branch or tag `{ref}`")


def _clone(
    request: CloneRequest,
    source: Repository | None,
    sha: str,
    full_ref: str,
    credentials: _Credentials,
    context: PackageContext,
) -> tuple[Snapshot, Commit]:
    """Check the commit out in a fresh directory, and look at it."""
    directory = context.new_directory()
    top = os.path.join(directory, "tree")
    context.tell(f"cloning {without_credentials(request.url)} at {sha[:12]}")
    credentials.run("init", "-q", "--template=", top)
    credentials.run("remote", "add", "origin", credentials.url, directory=top)
    if source is None:
        _fetch(request, sha, full_ref, credentials, top)
    else:
        _fetch_from(request, source, sha, credentials, top)
    branch = full_ref.removeprefix("refs/heads/")
    way = ("-B", branch) if full_ref.startswith("refs/heads/") else ("--detach",)
    credentials.run("checkout", "-q", "--force", *way, sha, directory=top)
    if request.with_lfs:
        credentials.run("lfs", "pull", directory=top)
    if request.with_submodules and os.path.exists(os.path.join(top, ".gitmodules")):
        depth = () if request.is_full else ("--depth=1",)
        credentials.run("submodule", "-q", "update", "--init", "--recursive", *depth, directory=top)
    repository = find_repository(top)
    assert repository is not None
    commit = read_commit(repository, sha)
    taken = SnapshotRequest(
        root=top,
        options=ScanOptions(),
        prefix=request.prefix,
        passed=context.workspace.strip("/"),
        owner=context.owner,
        exclude=() if request.with_git_directory else (".git", "**/.git"),
    )
    return take(taken, os.path.join(directory, "index"), context.layers, context.workers), commit


def _fetch(request: CloneRequest, sha: str, full_ref: str, credentials: _Credentials, top: str) -> None:
    """From the network: the one commit, or everything where that is asked for or the only way."""
    if not request.is_full:
        for wanted in (sha, full_ref):
            try:
                credentials.run("fetch", "-q", "--no-tags", "--depth=1", "origin", wanted, directory=top)
                credentials.run("cat-file", "-e", f"{sha}^{{commit}}", directory=top)
            except UserError:
                if not full_ref:
                    break
                continue
            return
    credentials.run("fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*", directory=top)
    try:
        credentials.run("cat-file", "-e", f"{sha}^{{commit}}", directory=top)
    except UserError:
        raise UserError(f"`{credentials.url}` has no commit `{sha}`") from None


def _fetch_from(
    request: CloneRequest, source: Repository, sha: str, credentials: _Credentials, top: str
) -> None:
    """From the project's own repository, whose files are only read."""
    if not request.with_git_directory:
        with open(os.path.join(top, ".git/objects/info/alternates"), "w", encoding="utf-8") as file:
            file.write(os.path.join(source.common, "objects") + "\n")
        return
    here = f"file://{source.common}"
    if request.is_full:
        credentials.run("fetch", "-q", "--tags", here, "+refs/heads/*:refs/remotes/origin/*", directory=top)
        credentials.run("fetch", "-q", here, sha, directory=top)
    else:
        credentials.run("fetch", "-q", "--no-tags", "--depth=1", here, sha, directory=top)


class _Credentials:
    """How git reaches the repository. Secrets go by environment and file, never by argument."""

    def __init__(self, request: CloneRequest, context: PackageContext) -> None:
        self.url = without_credentials(request.url)
        self._request = request
        self._context = context
        self._environment: dict[str, str] | None = None

    def run(self, *arguments: str, directory: str | None = None) -> str:
        """`engine.git.repository.run_git`, without a password in what it says."""
        if self._environment is None:
            self._environment = self._make_environment()
        try:
            return run_git(None, *arguments, environment=self._environment, directory=directory)
        except UserError as error:
            raise UserError(error.message.replace(self._request.url, self.url), error.hint) from None

    def _make_environment(self) -> dict[str, str]:
        request = self._request
        environment = {"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
        if not request.with_lfs:
            environment["GIT_LFS_SKIP_SMUDGE"] = "1"
        settings = [("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "60"), ("gc.auto", "0")]
        if request.url != self.url:
            settings.append((f"url.{request.url}.insteadOf", self.url))
        if "://" not in self.url or self.url.startswith("file://"):
            settings.append(("protocol.file.allow", "always"))  # submodules beside it
        host = re.match(r"https?://[^/]+/", self.url)
        if request.github_token and host:
            token = base64.b64encode(f"x-access-token:{request.github_token}".encode()).decode()
            settings.append((f"http.{host[0]}.extraHeader", f"Authorization: Basic {token}"))
        if request.ssh_key.strip():
            path = os.path.join(self._context.new_directory(), "key")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(request.ssh_key.strip() + "\n")
            environment["GIT_SSH_COMMAND"] = (
                f"ssh -i {shlex.quote(path)} -o IdentitiesOnly=yes -o BatchMode=yes"
                " -o StrictHostKeyChecking=accept-new"
            )
        first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        for number, (name, value) in enumerate(settings, first):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        environment["GIT_CONFIG_COUNT"] = str(first + len(settings))
        return environment
