"""`outcrop/workspace`: a snapshot of a local directory, as `.gitignore` and `.dockerignore` say.

Patterns alone decide: a file that matches is left out even when git tracks it, so that equal trees
give equal snapshots with and without a repository. The contents of `path` land at the root of the
workspace. `.dockerignore` counts at the project root, `.gitignore` wherever git would read it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from engine.builtin_packages.package_context import InspectedPackage, PackageContext, relative_path
from engine.model.errors import UserError
from engine.snapshot.ignore_rules import GIT_IGNORE, IgnoreRules, is_ignored
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import SnapshotRequest


def inspect_workspace(parameters: Mapping[str, str], context: PackageContext) -> InspectedPackage:
    """Look at the project; UserError names what cannot be read or is written wrongly."""
    below = relative_path(parameters.get("path", "."), "path")
    root = os.path.join(context.project_root, below) if below else context.project_root
    if not os.path.isdir(root):
        context.depends_on(root)
        raise UserError(f"parameter `path`: `{root}` is not a directory")
    real_root = os.path.realpath(context.project_root)
    if os.path.commonpath([os.path.realpath(root), real_root]) != real_root:
        raise UserError(f"parameter `path`: `{below}` leads out of the project")
    skipped = context.store_inside
    if skipped is not None and below:
        skipped = skipped.removeprefix(below + "/") if skipped.startswith(below + "/") else None
    request = SnapshotRequest(
        root=root,
        options=ScanOptions(rules=_rules(context, below), skipped=skipped),
        prefix=context.workspace.strip("/"),
        owner=context.owner,
        include=_lines(parameters.get("include", "")),
        exclude=_lines(parameters.get("exclude", "")),
    )
    snapshot = context.take(request, context.index_path("workspace", root), context.layers, context.workers)
    return InspectedPackage(layer=snapshot.layer, warnings=snapshot.warnings, files_read=snapshot.files_read)


def _rules(context: PackageContext, below: str) -> IgnoreRules:
    """The rules for the directory `below` the project root."""
    project_root = context.project_root
    outer: list[tuple[str, bytes]] = []
    top = project_root
    above: list[str] = []
    while not os.path.lexists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
        above.append(os.path.basename(top))
        top = os.path.dirname(top)
    inside = "/".join(reversed(above))
    if not os.path.lexists(os.path.join(top, ".git")) or is_ignored(top, inside):
        # No repository, or one that has nothing to do with the project, such as one for dot files.
        top, above = project_root, []
    docker_ignore = os.path.join(project_root, ".dockerignore")
    context.depends_on(docker_ignore)
    way = [*reversed(above), *(below.split("/") if below else [])]
    for depth in range(len(way)):
        directory = "".join(part + "/" for part in way[:depth])
        path = os.path.join(top, directory, GIT_IGNORE)
        context.depends_on(path)
        content = _content(path)
        if content:
            outer.insert(0, (directory, content))
    return IgnoreRules(
        below="".join(part + "/" for part in way),
        outer=tuple(outer),
        docker=_content(docker_ignore),
        docker_below=below + "/" if below else "",
    )


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
