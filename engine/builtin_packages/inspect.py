"""The first step of a built-in package: its result, as far as that can be said without writing a layer."""

from __future__ import annotations

from collections.abc import Mapping

from engine.builtin_packages import BUILTIN
from engine.builtin_packages.package_context import InspectedPackage, PackageContext
from engine.builtin_packages.workspace import inspect_workspace
from engine.model.errors import UserError


def inspect_package(package: str, parameters: Mapping[str, str], context: PackageContext) -> InspectedPackage:
    """Run `package` (a name in BUILTIN) with evaluated parameters.

    Needs no namespace, and is cheap when nothing changed. Raises UserError for wrong parameters,
    files that cannot be read and repositories that cannot be had.
    """
    given = {parameter.name: parameter.default for parameter in BUILTIN[package].parameters}
    unknown = parameters.keys() - given.keys()
    if unknown:
        raise UserError(f"`{package}` has no parameter `{min(unknown)}`")
    given.update(parameters)
    if package == "outcrop/workspace":
        return inspect_workspace(given, context)
    # Late: git is not needed by projects that take their workspace as it is.
    from engine.builtin_packages.git_clone import inspect_git_clone

    return inspect_git_clone(given, context)
