"""What must exist in a task's root for the sandbox's own mounts and for the network; in no layer."""

from __future__ import annotations

_FOLDERS = ("proc", "sys", "dev", "run/outcrop")
_LOCAL_NAMES = b"127.0.0.1\tlocalhost outcrop\n::1\tlocalhost\n"


def mount_points(*, is_host_base: bool, network: str) -> dict[str, bytes | None]:
    """Path -> content of a file, or None for a directory; as `InputView` takes them for `stubs`."""
    points: dict[str, bytes | None] = dict.fromkeys(_FOLDERS)
    if is_host_base:  # /etc is the machine's own
        return points
    if network == "host":
        return {**points, "etc/hosts": _read("/etc/hosts"), "etc/resolv.conf": _read("/etc/resolv.conf")}
    return {**points, "etc/hosts": _LOCAL_NAMES}


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
