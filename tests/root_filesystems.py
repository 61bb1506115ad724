"""Root filesystems for tests: one static busybox, and a Debian made by debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path


class NotAvailable(Exception):
    """This machine cannot give what a test needs; the message says why."""


def make_busybox_root(directory: Path) -> None:
    """A root filesystem of about 2 MB with a shell and every applet in `/bin`; no `/bin/bash`."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise NotAvailable("busybox is missing (busybox-static)")
    for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr", "var"):
        (directory / name).mkdir()
    (directory / "tmp").chmod(0o1777)
    shutil.copyfile(busybox, directory / "bin/busybox")
    (directory / "bin/busybox").chmod(0o755)
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (directory / "bin" / applet).symlink_to("busybox")
    (directory / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    )
    (directory / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (directory / "etc/os-release").write_text('ID=busybox\nVERSION_ID="1"\n')


def cache_directory() -> Path:
    """Where downloads stay between test sessions; readable by every user when root runs the tests."""
    return Path("/var/cache/outcrop-tests") if os.getuid() == 0 else Path.home() / ".cache/outcrop-tests"


def debian_archive() -> Path:
    """A tar file of the smallest Debian (or Ubuntu) of this machine's own release, made once.

    Its `apt` uses the package archive of this machine.
    """
    if os.getuid() != 0:
        raise NotAvailable("debootstrap needs root")
    if shutil.which("debootstrap") is None:
        raise NotAvailable("debootstrap is missing")
    release = _os_release()
    archive = cache_directory() / f"{release['ID']}-{release['VERSION_CODENAME']}.tar"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    work = archive.with_suffix(f".{os.getpid()}")
    try:
        _debootstrap(work / "root", release)
        with tarfile.open(work / "root.tar", "w") as tar:
            tar.add(work / "root", arcname=".")
        (work / "root.tar").rename(archive)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return archive


def _os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    release = {name: value.strip('"') for name, value in fields.items()}
    if "VERSION_CODENAME" not in release or release.get("ID") not in ("debian", "ubuntu"):
        raise NotAvailable("this machine runs neither Debian nor Ubuntu")
    return release


def _debootstrap(target: Path, release: dict[str, str]) -> None:
    command = ["debootstrap", "--variant=minbase", release["VERSION_CODENAME"], str(target), _mirror(release)]
    if release["ID"] == "ubuntu":
        command.insert(1, "--components=main,universe")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotAvailable(f"debootstrap failed: {(done.stdout + done.stderr).strip()[-300:]}")
    for name in os.listdir(target / "dev"):
        path = target / "dev" / name
        if not path.is_dir() or path.is_symlink():
            path.unlink()


def _mirror(release: dict[str, str]) -> str:
    """Where this machine gets its own packages from."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"],
        check=False,
        capture_output=True,
        text=True,
    )
    for line in done.stdout.splitlines():
        site, _, codename = line.partition(" ")
        if codename == release["VERSION_CODENAME"]:
            return site
    raise NotAvailable("apt names no package archive of this release")
