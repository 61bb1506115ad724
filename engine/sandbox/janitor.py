"""A small process that cleans up when the engine is killed: it outlives the engine by moments."""

from __future__ import annotations

import os

# Lines `d PATH` (directories, removed with all they hold) and `c PATH` (cgroups, removed from the leaves
# up) until the engine closes the pipe, which its death does too. What still dies is waited for.
_SCRIPT = r"""
trap '' HUP INT TERM QUIT
directories='' cgroups=''
while IFS= read -r line; do
    case "$line" in
        d*) directories="$directories${line#d }
" ;;
        c*) cgroups="$cgroups${line#c }
" ;;
    esac
done
IFS='
'
set -f
turn=0
while [ "$turn" -lt 100 ]; do
    left=''
    for path in $directories; do
        if [ -e "$path" ]; then rm -rf -- "$path" || left=yes; fi
    done
    for path in $cgroups; do
        if [ -d "$path" ]; then
            find "$path" -depth -type d -exec rmdir {} + || :
            if [ -d "$path" ]; then left=yes; fi
        fi
    done
    if [ -z "$left" ]; then exit 0; fi
    sleep 0.05
    turn=$((turn + 1))
done
exit 1
"""


class Janitor:
    """Removes what it was told of once the engine is gone, whichever way it goes.

    It is a child in a session of its own; paths must not hold newlines. What the engine has
    removed itself by then is no loss.
    """

    def __init__(self) -> None:
        read, self._pipe = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._pid: int | None = os.posix_spawn(
                "/bin/sh",
                ["outcrop-janitor", "-c", _SCRIPT],
                {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, read, 0),
                    (os.POSIX_SPAWN_DUP2, null, 1),
                    (os.POSIX_SPAWN_DUP2, null, 2),
                ],
                setsid=True,
                setsigmask=(),
            )
        finally:
            os.close(read)
            os.close(null)

    def remove_directory(self, path: str) -> None:
        """Remember an absolute path, removed with everything in it."""
        self._tell("d", path)

    def remove_cgroup(self, path: str) -> None:
        """Remember a cgroup's directory, removed with the cgroups in it."""
        self._tell("c", path)

    def close(self) -> None:
        """Let it do its work now, and wait until it has; idempotent."""
        if self._pid is not None:
            os.close(self._pipe)
            os.waitpid(self._pid, 0)
            self._pid = None

    def _tell(self, kind: str, path: str) -> None:
        if "\n" in path:
            raise ValueError("a path with a newline cannot be cleaned up")
        os.write(self._pipe, f"{kind} ".encode() + os.fsencode(path) + b"\n")
