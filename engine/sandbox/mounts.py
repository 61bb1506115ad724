"""Attaches what a task sees besides its layers: the host's own system, and bound files and directories.

Everything is attached to the merged root in the engine's mount namespace, so that bubblewrap takes it
over in one recursive bind. Paths inside a root are resolved inside that root: an earlier task may have
left symlinks there that point anywhere.
"""

from __future__ import annotations

import errno
import os

from engine.model.errors import MachineError, UserError
from engine.sandbox import bubblewrap, system_calls
from engine.sandbox.specification import NamespaceMode, SandboxSpec

_QUIET = system_calls.MOUNT_ATTR_NOSUID | system_calls.MOUNT_ATTR_NODEV
_READ_ONLY = _QUIET | system_calls.MOUNT_ATTR_RDONLY

# Where the sandbox has mounts of its own; a symlink there would lead them astray.
_OWN_DIRECTORIES = ("proc", "dev", "sys")

_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)


# Below /dev, for the `PATH` of scripts that ask for them.
PROGRAMS = "outcrop"
_BREAKPOINTS = ("rwx-breakpoint", "mint-breakpoint")


def prepare_devices(directory: str, init: bytes, breakpoint_program: bytes) -> None:
    """Make `directory`, and in it the minimal /dev that all tasks see, read-only. Raises MachineError.

    `pts` and `shm` are empty directories: each task mounts its own there. init: the first program of
    each sandbox, which is kept there too, as the only place that every root has and no task can write; so is
    breakpoint_program, in `PROGRAMS`, for tasks to call.
    """
    os.mkdir(directory, 0o755)
    try:
        flags = system_calls.MS_NOSUID
        system_calls.mount("dev", directory, "tmpfs", flags, "mode=755,size=64k")
        _write_program(os.path.join(directory, os.path.basename(bubblewrap.INIT)), init, 0o500)
        programs = os.path.join(directory, PROGRAMS)
        os.mkdir(programs, 0o755)
        _write_program(os.path.join(programs, _BREAKPOINTS[0]), breakpoint_program, 0o555)
        os.link(os.path.join(programs, _BREAKPOINTS[0]), os.path.join(programs, _BREAKPOINTS[1]))
        for name in ("pts", "shm"):
            os.mkdir(os.path.join(directory, name), 0o755)
        for name, target in _DEVICE_LINKS:
            os.symlink(target, os.path.join(directory, name))
        for name in _DEVICES:
            path = os.path.join(directory, name)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
            tree = system_calls.clone_mount(f"/dev/{name}")
            try:
                # On a read-only mount a device can still be written to, but not given another mode or owner.
                system_calls.set_mount_attributes(
                    tree, system_calls.MOUNT_ATTR_NOSUID | system_calls.MOUNT_ATTR_RDONLY
                )
                system_calls.attach_mount(tree, path)
            finally:
                os.close(tree)
        system_calls.mount("none", directory, None, flags | system_calls.MS_REMOUNT | system_calls.MS_RDONLY)
    except OSError as error:
        raise MachineError(f"cannot make the devices of tasks: {error.strerror}") from error


def _write_program(path: str, content: bytes, mode: int) -> None:
    with open(path, "xb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)


def attach(
    spec: SandboxSpec,
    mode: NamespaceMode,
    *,
    empty_directory: str,
    devices: str,
    host_parts: tuple[tuple[str, str], ...],
) -> tuple[str, ...]:
    """Attach to `spec.root` all that the specification asks for; the mount points that had to be made.

    empty_directory: host path of an empty directory. devices: that of `prepare_devices`.
    host_parts: (prepared host path, name in the root).
    Returned paths are relative to the root, each parent before what is in it. UserError when a path
    inside the root cannot hold a mount; MachineError when mounting fails. `overlay.unmount` undoes it.
    """
    created: list[str] = []
    root = os.open(spec.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in _OWN_DIRECTORIES:
            os.close(_place(root, name, True, created, system_calls.RESOLVE_NO_SYMLINKS))
        _bind(root, empty_directory, "sys", _READ_ONLY, created)
        _bind(root, devices, "dev", None, created)
        if mode != "root":
            # Only for the first process of the sandbox, which could not mount the task's own otherwise.
            _bind(root, "/proc", "proc", _QUIET, created)
        for source, name in host_parts:
            _bind(root, source, name, None, created)
        bound = [(source, target, _READ_ONLY) for source, target in spec.read_only]
        bound += [(source, target, _QUIET) for source, target in spec.writable]
        for source, target, attributes in sorted(bound, key=lambda mount: mount[1]):
            _bind(root, source, target, attributes, created)  # what lies in another comes after it
        os.close(_place(root, spec.directory, True, []))
    finally:
        os.close(root)
    return tuple(created)


def _bind(root: int, source: str, target: str, attributes: int | None, created: list[str]) -> None:
    try:
        tree = system_calls.clone_mount(source)
    except OSError as error:
        raise MachineError(f"cannot bind `{source}`: {error.strerror}") from error
    try:
        if attributes is not None:
            system_calls.set_mount_attributes(tree, attributes)
        place = _place(root, target, os.path.isdir(source), created)
        try:
            system_calls.attach_mount(tree, place)
        finally:
            os.close(place)
    except OSError as error:
        raise MachineError(f"cannot mount `{source}` at `{target}`: {error.strerror}") from error
    finally:
        os.close(tree)


def _place(
    root: int, path: str, is_directory: bool, created: list[str], resolve: int = system_calls.RESOLVE_IN_ROOT
) -> int:
    """A descriptor of the directory or file at `path`, which is made, with its parents, when missing."""
    relative = os.path.normpath("/" + path).lstrip("/")
    kind = os.O_DIRECTORY if is_directory else 0
    try:
        return system_calls.open_inside(root, relative or ".", os.O_PATH | kind, resolve)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(relative, is_directory, error) from error
    parent = _place(root, os.path.dirname(relative), True, created, resolve)
    try:
        name = os.path.basename(relative)
        if is_directory:
            os.mkdir(name, 0o755, dir_fd=parent)
        else:
            os.mknod(name, 0o644, dir_fd=parent)
        created.append(relative)
        return os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC | kind, dir_fd=parent)
    except OSError as error:
        raise _unusable(relative, is_directory, error) from error
    finally:
        os.close(parent)


def _unusable(relative: str, is_directory: bool, error: OSError) -> UserError:
    match error.errno:
        case errno.EEXIST:
            reason = "is a symbolic link to nothing"
        case errno.ELOOP:
            reason = "is a symbolic link, or below one, where the sandbox needs a directory"
        case errno.ENOTDIR:
            reason = f"is not a {'directory' if is_directory else 'file'}, or below a file"
        case _:
            reason = f"cannot be used: {error.strerror}"
    return UserError(f"`/{relative}` in the task's filesystem {reason}")
