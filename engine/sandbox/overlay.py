"""Mounts overlays over up to 500 layers, and takes them away again.

With the mount API of Linux 6.7 (`lowerdir+`, one call a layer: no page limit, no escaping); before
that with mount(2), whose options must fit one page, the layers then being named through descriptors.

`volatile`: unmounting an overlay otherwise syncs the whole filesystem of the upperdir. It is sound
here because nothing durable is read off the mount: what a task wrote is in the upperdir's own
inodes (overlayfs caches no file data), from where the store copies or renames it and then syncs its
own filesystem, which reports write errors as for any file. A workdir serves one mount only.
"""

from __future__ import annotations

import errno
import os

from engine.model.errors import MachineError
from engine.sandbox import system_calls

MAXIMUM_LAYERS = 500
_LONGEST_STRING = 255
_PAGE = 4095
_LAYERS_IN_A_PAGE = 200
# Only plain whiteouts and opaque directories may come about (`nofollow` is the `off` that userxattr allows).
_FIXED_OPTIONS = (("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off"))


def maximum_layers() -> int:
    """How many layers `mount` takes on this kernel."""
    numbers = os.uname().release.split(".")
    major, minor = int(numbers[0]), int("".join(digit for digit in numbers[1] if digit.isdigit()) or "0")
    return MAXIMUM_LAYERS if (major, minor) >= (6, 7) else _LAYERS_IN_A_PAGE


def mountable_layers() -> int:
    """How many layers to mount at most, room left for what is laid over them."""
    return maximum_layers() - 20


def mount(lowerdirs: tuple[str, ...], upper: str, work: str, target: str) -> None:
    """Mount `lowerdirs` (topmost first, 1 to 500 paths) with `upper` on top at `target`, nosuid and nodev.

    upper and work: empty directories of one filesystem. MachineError says what was wrong.
    """
    if not 1 <= len(lowerdirs) <= MAXIMUM_LAYERS:
        raise MachineError(f"an overlay takes 1 to {MAXIMUM_LAYERS} layers, not {len(lowerdirs)}")
    try:
        try:
            _mount_by_descriptor(lowerdirs, upper, work, target)
        except _NoLayerByLayer:
            _mount_by_page(lowerdirs, upper, work, target)
    except OSError as error:
        raise _explained(error, lowerdirs, upper, work, target) from error


def unmount(target: str) -> None:
    """Detach the overlay at `target` and all that is mounted below it. MachineError when there is none."""
    try:
        system_calls.unmount(target)
    except OSError as error:
        raise MachineError(f"cannot unmount `{target}`: {error.strerror}") from error


class _NoLayerByLayer(Exception):
    """This kernel does not take layers one by one (before Linux 6.7)."""


def _mount_by_descriptor(lowerdirs: tuple[str, ...], upper: str, work: str, target: str) -> None:
    try:
        context = system_calls.open_filesystem("overlay")
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise _NoLayerByLayer from error
        raise
    try:
        for number, path in enumerate(lowerdirs):
            try:
                _set_path(context, "lowerdir+", path)
            except OSError as error:
                if number == 0 and error.errno == errno.EINVAL and os.path.isdir(path):
                    raise _NoLayerByLayer from error
                raise
        _set_path(context, "upperdir", upper)
        _set_path(context, "workdir", work)
        for key, value in _FIXED_OPTIONS:
            system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_STRING, key, value)
        for flag in ("userxattr", "volatile"):
            system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_FLAG, flag, None)
        system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_STRING, "source", "outcrop")
        system_calls.configure_filesystem(context, system_calls.FSCONFIG_CMD_CREATE, None, None)
        attributes = system_calls.MOUNT_ATTR_NOSUID | system_calls.MOUNT_ATTR_NODEV
        mounted = system_calls.mount_filesystem(context, attributes)
        try:
            system_calls.attach_mount(mounted, target)
        finally:
            os.close(mounted)
    finally:
        os.close(context)


def _set_path(context: int, key: str, path: str) -> None:
    if len(os.fsencode(path)) <= _LONGEST_STRING:
        system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_STRING, key, path)
        return
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_FD, key, descriptor)
        except OSError:
            # Descriptors as layers came in 6.13; the name in /proc is short and reaches the same directory.
            through = f"/proc/self/fd/{descriptor}"
            system_calls.configure_filesystem(context, system_calls.FSCONFIG_SET_STRING, key, through)
    finally:
        os.close(descriptor)


def _mount_by_page(lowerdirs: tuple[str, ...], upper: str, work: str, target: str) -> None:
    descriptors: list[int] = []

    def short(path: str) -> str:
        descriptors.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        return f"/proc/self/fd/{descriptors[-1]}"

    try:
        layers = ":".join(short(path) for path in lowerdirs)
        fixed = ",".join(f"{key}={value}" for key, value in _FIXED_OPTIONS)
        own = f"upperdir={short(upper)},workdir={short(work)}"
        options = f"lowerdir={layers},{own},{fixed},userxattr,volatile"
        if len(options) > _PAGE:
            message = f"{len(lowerdirs)} layers are too many for this kernel's mount options"
            raise MachineError(message, "Linux 6.7 or newer mounts up to 500 layers")
        flags = system_calls.MS_NOSUID | system_calls.MS_NODEV
        system_calls.mount("outcrop", target, "overlay", flags, options)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _explained(
    error: OSError, lowerdirs: tuple[str, ...], upper: str, work: str, target: str
) -> MachineError:
    """The kernel's bare EINVAL in words, by looking at what it may have meant."""
    reason, hint = error.strerror or str(error), None
    for path in (*lowerdirs, upper, work, target):
        if not os.path.isdir(path):
            return MachineError(f"cannot mount an overlay: `{path}` is not a directory that can be reached")
    if os.stat(upper).st_dev != os.stat(work).st_dev:
        reason = f"`{upper}` and `{work}` are on different filesystems"
    elif os.listdir(work):
        reason = f"`{work}` has been used before"
    elif error.errno == errno.ENODEV:
        reason = "this kernel has no overlay filesystem"
        hint = "`sudo modprobe overlay`, or a kernel with CONFIG_OVERLAY_FS"
    elif error.errno in (errno.EPERM, errno.EACCES):
        reason, hint = f"not permitted ({reason})", "overlays in a user namespace need Linux 5.11 or newer"
    elif error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
        reason = f"the filesystem of `{upper}` cannot hold layers ({reason})"
        hint = "set `OUTCROP_HOME` to a directory on ext4, xfs, btrfs or tmpfs that is not itself an overlay"
    return MachineError(f"cannot mount an overlay of {len(lowerdirs)} layers: {reason}", hint)
