"""What this machine offers for running tasks, found by trying, and what to do about what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable

import msgspec

from engine.model.errors import OutcropError
from engine.sandbox import bubblewrap, cgroup, namespace, overlay
from engine.sandbox.host_base import make_skeleton
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.specification import SandboxSpec

_OLDEST_KERNEL = (5, 12)
_COMFORTABLE_KERNEL = (6, 7)
_LITTLE_SPACE = 2 << 30
_PACKAGES = {
    # program: package on Debian and Ubuntu, Fedora, Arch
    "bwrap": ("bubblewrap", "bubblewrap", "bubblewrap"),
    "newuidmap": ("uidmap", "shadow-utils", "shadow"),
    "git": ("git", "git", "git"),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `fix`: the exact command where one is known.

    is_required: without it no task runs; otherwise only what `detail` says is missing.
    """

    name: str
    ok: bool
    detail: str
    fix: str | None = None
    is_required: bool = True


def probe(store: str) -> list[Finding]:
    """Look at this machine, trying mounts and a sandbox in child processes; `store` is an absolute path.

    For a process with one thread. Takes about a tenth of a second, and leaves nothing.
    """
    findings = [_kernel(), _bubblewrap()]
    if os.geteuid() != 0:
        findings += [_newuidmap(), _subordinate_ids()]
    findings += [_space(store), *_try(_filesystem, store), *_try(_namespaces, store), _git()]
    return findings


def _kernel() -> Finding:
    release = os.uname().release
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_KERNEL:
        return Finding(
            name="kernel",
            ok=False,
            detail=f"Linux {release}",
            fix="Linux 5.12 or newer is needed, 6.7 is better",
        )
    if numbers < _COMFORTABLE_KERNEL:
        return Finding(
            name="kernel", ok=True, detail=f"Linux {release}; chains of more than about 200 layers need 6.7"
        )
    return Finding(name="kernel", ok=True, detail=f"Linux {release}")


def _bubblewrap() -> Finding:
    try:
        path = bubblewrap.find()
    except OutcropError as error:
        return Finding(name="bubblewrap", ok=False, detail=error.message, fix=install("bwrap"))
    return Finding(name="bubblewrap", ok=True, detail=f"{_output(path, '--version')} ({path})")


def _newuidmap() -> Finding:
    found = [program for program in ("newuidmap", "newgidmap") if shutil.which(program)]
    if len(found) == 2:
        return Finding(
            name="newuidmap", ok=True, detail="newuidmap and newgidmap are there", is_required=False
        )
    return Finding(
        name="newuidmap",
        ok=False,
        detail="newuidmap is missing: tasks have a single user id, so package managers and `chown` fail",
        fix=install("newuidmap"),
        is_required=False,
    )


def _subordinate_ids() -> Finding:
    user = namespace.user_name(os.geteuid())
    ranges = [
        namespace.subordinate_ranges(path, user, str(os.geteuid())) for path in ("/etc/subuid", "/etc/subgid")
    ]
    counts = [sum(count for _, count in each) for each in ranges]
    if min(counts) >= 65536:
        return Finding(
            name="subordinate ids", ok=True, detail=f"{min(counts)} for `{user}`", is_required=False
        )
    return Finding(
        name="subordinate ids",
        ok=False,
        detail=f"`{user}` has {counts[0]} user ids and {counts[1]} group ids, 65536 are needed",
        fix=namespace.subordinate_ids_command(user),
        is_required=False,
    )


def _space(store: str) -> Finding:
    place = _nearest(store)
    found = os.statvfs(place)
    free, files = found.f_bavail * found.f_frsize, found.f_favail
    detail = f"{free / (1 << 30):.1f} GB free for `{store}`"
    if free < _LITTLE_SPACE or (found.f_files and files < 10_000):
        return Finding(
            name="disk space",
            ok=False,
            detail=detail if free < _LITTLE_SPACE else f"only {files} more files fit at `{store}`",
            fix="outcrop gc --max-size 5gb, or set OUTCROP_HOME to another disk",
            is_required=False,
        )
    return Finding(name="disk space", ok=True, detail=detail)


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding(
            name="git",
            ok=False,
            detail="git is missing: `git/clone` and the names of commits do not work",
            fix=install("git"),
            is_required=False,
        )
    return Finding(name="git", ok=True, detail=_output(path, "--version"), is_required=False)


def _filesystem(store: str) -> list[Finding]:
    """In a child: what the store's filesystem can keep."""
    with tempfile.TemporaryDirectory(prefix=".outcrop-doctor-", dir=_nearest(store)) as directory:
        path = os.path.join(directory, "file")
        with open(path, "xb"):
            pass
        problem = None
        try:
            os.setxattr(path, "user.outcrop", b"1")
        except OSError as error:
            problem = f"no extended attributes ({error.strerror})"
        try:
            os.link(path, os.path.join(directory, "link"))
        except OSError as error:
            problem = f"no hard links ({error.strerror})"
        with os.scandir(directory) as entries:
            if not all(entry.is_file(follow_symlinks=False) for entry in entries):
                problem = "directories do not tell the types of their entries"
    kind = _filesystem_type(_nearest(store))
    if kind == "overlay":
        problem = "an overlay cannot be the upper layer of another"
    if problem is None:
        return [Finding(name="store", ok=True, detail=f"`{store}` on {kind}")]
    fix = "export OUTCROP_HOME=DIRECTORY with one on ext4, xfs, btrfs or tmpfs"
    return [Finding(name="store", ok=False, detail=f"`{store}` on {kind}: {problem}", fix=fix)]


def _namespaces(store: str) -> list[Finding]:
    """In a child: enter the namespaces, mount an overlay, make a control group, run a task."""
    findings: list[Finding] = []
    work = tempfile.mkdtemp(prefix=".outcrop-doctor-", dir=_nearest(store))
    entered: namespace.Namespace | None = None
    try:
        entered = namespace.enter(work)
        entered.janitor.remove_directory(work)
        words = {
            "root": "a mount namespace, as root",
            "subuids": "a user namespace with subordinate ids",
            "single-id": "a user namespace with a single id: package managers and `chown` fail",
        }
        findings.append(Finding(name="namespaces", ok=True, detail=words[entered.mode]))
        lower, upper, inner, root = (os.path.join(work, name) for name in ("lower", "upper", "work", "root"))
        for path in (lower, upper, inner, root):
            os.mkdir(path, 0o755)
        make_skeleton(lower)
        overlay.mount((lower,), upper, inner, root)
        findings.append(Finding(name="overlayfs", ok=True, detail=f"mounts in mode `{entered.mode}`"))
        findings.append(_control_groups(entered))
        findings.append(_sandbox(entered, work, root))
        overlay.unmount(root)
    except OutcropError as error:
        name = "overlayfs" if findings else "namespaces"
        findings.append(Finding(name=name, ok=False, detail=error.message, fix=error.hint))
    finally:
        if entered is not None:
            entered.janitor.close()
        shutil.rmtree(work, ignore_errors=True)
    return findings


def _control_groups(entered: namespace.Namespace) -> Finding:
    parent = cgroup.open_parent(f"outcrop-{os.getpid()}-doctor", entered.janitor)
    if parent is None:
        return Finding(
            name="control groups",
            ok=False,
            detail="none that we may use: memory limits have no effect",
            fix="systemd-run --user --scope --property=Delegate=yes outcrop run"
            if entered.mode != "root"
            else None,
            is_required=False,
        )
    parent.close()
    return Finding(name="control groups", ok=True, detail=parent.words, is_required=False)


def _sandbox(entered: namespace.Namespace, work: str, root: str) -> Finding:
    try:
        sandbox = Sandbox(entered, work)
        spec = SandboxSpec(root=root, argv=("/bin/sh", "-c", "exit 42"), environment={}, host_base=True)
        code = sandbox.interactive(spec)
        sandbox.close()
    except OutcropError as error:
        return Finding(name="sandbox", ok=False, detail=error.message, fix=error.hint)
    if code == 42:
        return Finding(name="sandbox", ok=True, detail="a task ran on the base `host:`")
    return Finding(
        name="sandbox", ok=False, detail=f"a task on the base `host:` ended with {code} instead of 42"
    )


def _try(look: Callable[[str], list[Finding]], store: str) -> list[Finding]:
    """Do it in a child process, whose namespaces end with it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            content = msgspec.json.encode(look(store))
            while content:
                content = content[os.write(write, content) :]
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    try:
        return msgspec.json.decode(content, type=list[Finding])
    except msgspec.DecodeError:
        return [Finding(name=look.__name__.lstrip("_"), ok=False, detail="the attempt ended unexpectedly")]


def install(program: str) -> str:
    """The command that installs what holds this program, on this machine's distribution."""
    debian, fedora, arch = _PACKAGES[program]
    if shutil.which("apt-get"):
        return f"sudo apt-get install {debian}"
    if shutil.which("dnf"):
        return f"sudo dnf install {fedora}"
    if shutil.which("pacman"):
        return f"sudo pacman -S {arch}"
    return f"install the package `{debian}`"


def _output(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip().partition("\n")[0]


def _nearest(path: str) -> str:
    """The path itself, or the nearest parent that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _filesystem_type(path: str) -> str:
    """The type of the filesystem that holds an existing path, as the kernel calls it."""
    wanted = os.stat(path).st_dev
    device = f"{os.major(wanted)}:{os.minor(wanted)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            if line.split(" ")[2] == device:
                return line.partition(" - ")[2].split(" ")[0]
    return "an unknown filesystem"
