"""`git/clone`: the local working tree when it is what is asked for, the local repository when it has
the commit, and only otherwise a real clone (reference §18)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from engine.builtin_packages.local_tree import local_tree
from engine.builtin_packages.package_context import (
    InspectedPackage,
    PackageContext,
    is_true,
    relative_path,
)
from engine.git import repository as git
from engine.git.repository import Commit, Repository
from engine.model.errors import UserError
from engine.model.records import ExportedVariable
from engine.snapshot.cache_file import recall, remember
from engine.snapshot.ignore_rules import is_ignored

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,63}")


def inspect_git_clone(parameters: Mapping[str, str], context: PackageContext) -> InspectedPackage:
    """Look for what is asked for; a real clone is made here, unless its commit was cloned before.

    UserError for wrong parameters, unknown references and repositories that cannot be had.
    """
    url, ref = parameters["repository"].strip(), parameters["ref"].strip()
    if not url:
        raise UserError("parameter `repository` is empty")
    if url.startswith("-") or ref.startswith("-"):
        raise UserError("parameters `repository` and `ref` must not begin with `-`")
    path = relative_path(parameters["path"], "path")
    prefix = "/".join(part for part in (context.workspace.strip("/"), path) if part)
    repository = git.find_repository(context.project_root)
    for place in git.places_of_head(repository, context.project_root):
        context.depends_on(place)
    if repository is not None and is_ignored(
        repository.top, context.project_root.removeprefix(repository.top).strip("/")
    ):
        repository = None  # one that has nothing to do with the project, such as one for dot files
    if not is_own(repository, context.project_root, url):
        repository_here = None
    else:
        branch, sha = ("", "") if repository is None else git.head(repository)
        if names_head(repository, ref, branch, sha):
            return _local(repository, url, ref, branch, sha, prefix, parameters, context)
        repository_here = repository
    # Late: most clones are local.
    from engine.builtin_packages.real_clone import CloneRequest, clone

    request = CloneRequest(
        url=url,
        ref=ref,
        prefix=prefix,
        with_git_directory=is_true(parameters["preserve-git-dir"], "preserve-git-dir"),
        with_submodules=is_true(parameters["submodules"], "submodules"),
        with_lfs=is_true(parameters["lfs"], "lfs"),
        is_full=is_true(parameters["fetch-full-depth"], "fetch-full-depth"),
        github_token=parameters["github-token"].strip(),
        ssh_key=parameters["ssh-key"],
    )
    done = clone(request, repository_here, context)
    return InspectedPackage(
        layer=done.layer, exports=exports(url, done.commit, done.full_ref, parameters["meta-ref"])
    )


def is_own(repository: Repository | None, project_root: str, url: str) -> bool:
    """True when `url` is the project's own repository, or the project has no remote to compare with."""
    if repository is None:
        return True
    place = os.path.realpath(url.removeprefix("file://"))
    if place in (os.path.realpath(repository.top), os.path.realpath(project_root)):
        return True
    known = git.remotes(repository).values()
    return not known or any(normalised(url) == normalised(other) for other in known)


def normalised(url: str) -> str:
    """`host/path` of a URL however it is written: by https or ssh, with `.git` or a slash at the end."""
    url = git.without_credentials(url.strip())
    match = re.fullmatch(r"(?:[a-z+]+://)(?:[^/@]*@)?([^/:]+)(?::\d*)?/(.*)", url, re.IGNORECASE)
    if match is None and "://" not in url:
        match = re.fullmatch(r"(?:[^/@]+@)?([^/:]+):(.*)", url)
    if match is None:
        place = os.path.realpath(url.removeprefix("file://"))
        return place.removesuffix("/.git").removesuffix(".git")
    path = match[2].strip("/").removesuffix(".git")
    return f"{match[1].lower()}/{path}"


def names_head(repository: Repository | None, ref: str, branch: str, sha: str) -> bool:
    """True when `ref` means what is checked out: the commit, the branch, a tag of it, or nothing."""
    if ref in ("", "HEAD"):
        return True
    if repository is None:
        return False
    if branch and ref in (branch, f"refs/heads/{branch}", f"heads/{branch}"):
        return True
    if not sha:
        return False
    if ref == sha or (_SHORT_SHA.fullmatch(ref) and sha.startswith(ref)):
        return True
    name = ref.removeprefix("refs/").removeprefix("tags/")
    if git.resolve(repository, f"refs/heads/{ref}") and not ref.startswith("refs/"):
        return False  # a branch of that name is what git would take
    return git.peel(repository, f"refs/tags/{name}") == sha


def _local(
    repository: Repository | None,
    url: str,
    ref: str,
    branch: str,
    sha: str,
    prefix: str,
    parameters: Mapping[str, str],
    context: PackageContext,
) -> InspectedPackage:
    tree = local_tree(
        repository,
        context.project_root,
        prefix,
        context,
        with_submodules=is_true(parameters["submodules"], "submodules"),
        with_git_directory=is_true(parameters["preserve-git-dir"], "preserve-git-dir"),
    )
    commit = Commit() if repository is None or not sha else _commit(repository, sha, context)
    full_ref = f"refs/heads/{branch}" if branch else ""
    name = ref.removeprefix("refs/").removeprefix("tags/")
    if repository is not None and ref and ref != branch and not _SHORT_SHA.fullmatch(ref):
        full_ref = f"refs/tags/{name}" if git.resolve(repository, f"refs/tags/{name}") else full_ref
    return InspectedPackage(
        layer=tree.layer,
        exports=exports(url, commit, full_ref, parameters["meta-ref"]),
        warnings=tree.warnings,
        files_read=tree.files_read,
    )


def _commit(repository: Repository, sha: str, context: PackageContext) -> Commit:
    """What the commit says; remembered, since asking for a packed one takes a process of git."""
    question = f"head of {repository.top}"
    known = recall(context.store_root, question, Commit)
    if known is None or known.sha != sha:
        known = git.read_commit(repository, sha)
        remember(context.store_root, question, known)
    return known


def exports(url: str, commit: Commit, full_ref: str, meta_ref: str) -> tuple[ExportedVariable, ...]:
    """The `RWX_GIT_*` variables (reference §12), none of them in cache keys."""
    full_ref = meta_ref.strip() or full_ref or commit.sha
    name = full_ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    values = {
        "REPOSITORY_URL": git.without_credentials(url),
        "REPOSITORY_NAME": "/".join(normalised(url).split("/")[-2:]),
        "COMMIT_SHA": commit.sha,
        "COMMIT_MESSAGE": commit.message,
        "COMMIT_SUMMARY": commit.summary,
        "COMMITTER_NAME": commit.committer_name,
        "COMMITTER_EMAIL": commit.committer_email,
        "REF": full_ref,
        "REF_NAME": name,
    }
    return tuple(
        ExportedVariable(name=f"RWX_GIT_{name}", value=value.replace("\0", ""), in_cache_key=False)
        for name, value in values.items()
    )
