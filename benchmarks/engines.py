"""The build engines, each with a private store, so that a measurement disturbs nobody's cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from benchmarks.measure import Failed, Measurement, measure

_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Engine(Protocol):
    """What is measured."""

    name: str

    def forget(self) -> None:
        """Empties its cache, so that the next build is cold."""

    def build(self, context: Path, *, everything_cached: bool) -> Measurement:
        """Builds the case in `context`; Failed when a claim that all was cached proves wrong."""

    def close(self) -> None:
        """Leaves nothing behind."""


class Outcrop:
    """`outcrop run` with its own store."""

    name = "outcrop"

    def __init__(self, directory: Path) -> None:
        self._store = directory / "store"
        self.program = os.path.join(sysconfig.get_path("scripts"), "outcrop")
        self.environment = {**_PATH, "HOME": str(directory), "OUTCROP_HOME": str(self._store)}

    def forget(self) -> None:
        shutil.rmtree(self._store, ignore_errors=True)

    def build(self, context: Path, *, everything_cached: bool) -> Measurement:
        result = self.run(context, "run", "--progress", "plain")
        if everything_cached and (executed := self._executed(context)):
            raise Failed(f"outcrop executed {executed} tasks where all should have been hits")
        return result

    def run(self, context: Path, *arguments: str) -> Measurement:
        """Any command."""
        return measure([self.program, *arguments], directory=context, environment=self.environment)

    def _executed(self, context: Path) -> int:
        """How many command tasks the last run executed."""
        command = [self.program, "results", "--json"]
        text = subprocess.run(
            command, cwd=context, env=self.environment, check=True, capture_output=True
        ).stdout
        tasks = json.loads(text)["Tasks"]
        return sum(
            task["TaskType"] == "command" and task["Status"]["FinishedSubStatus"] != "cache_hit"
            for task in tasks
        )

    def close(self) -> None:
        self.forget()


class Buildah:
    """`buildah bud --layers --isolation chroot` with its own storage."""

    name = "buildah"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._environment = {**_PATH, "HOME": str(directory)}
        self._command = ["buildah", f"--root={directory}/root", f"--runroot={directory}/run"]
        self.forget()

    def forget(self) -> None:
        subprocess.run(
            [*self._command, "rmi", "--all", "--force"],
            env=self._environment,
            check=False,
            capture_output=True,
        )

    def build(self, context: Path, *, everything_cached: bool) -> Measurement:
        options = ["bud", "--layers", "--isolation=chroot", "--jobs=0", "--tag=benchmark", "."]
        return measure([*self._command, *options], directory=context, environment=self._environment)

    def close(self) -> None:
        self.forget()
        subprocess.run(["umount", f"{self._directory}/root/overlay"], check=False, capture_output=True)


class BuildKit:
    """`docker build` with the BuildKit inside a Docker daemon that is ours alone."""

    name = "BuildKit"

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "log"
        socket = f"unix://{directory}/docker.sock"
        self._environment = {
            **_PATH,
            "HOME": str(directory),
            "DOCKER_BUILDKIT": "1",
            "DOCKER_HOST": socket,
        }
        command = ["dockerd", "--host", socket, "--iptables=false", "--bridge=none"]
        for option in ("data-root", "exec-root"):
            command += [f"--{option}", str(directory / option)]
        command += ["--pidfile", str(directory / "pid")]
        with self._log.open("wb") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, env=_PATH)
        try:
            self._wait_until_ready()
        except Failed:
            self.close()
            raise

    def _wait_until_ready(self) -> None:
        for _ in range(300):
            if self._daemon.poll() is not None:
                break
            if self._docker("version") == 0:
                return
            time.sleep(0.1)
        raise Failed(f"dockerd did not start:\n{self._log.read_text(errors='replace')[-1000:]}")

    def _docker(self, *arguments: str) -> int:
        command = ["/usr/bin/docker", *arguments]
        return subprocess.run(command, env=self._environment, check=False, capture_output=True).returncode

    def forget(self) -> None:
        self._docker("image", "prune", "--all", "--force")
        self._docker("builder", "prune", "--all", "--force")

    def build(self, context: Path, *, everything_cached: bool) -> Measurement:
        command = ["/usr/bin/docker", "build", "--network=host", "--progress=plain", "."]
        return measure(command, directory=context, environment=self._environment)

    def close(self) -> None:
        self._daemon.terminate()
        try:
            self._daemon.wait(30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        data = self._log.parent / "data-root"
        subprocess.run(["umount", str(data)], check=False, capture_output=True)  # after an unclean end


def start_peers(directory: Path, wanted: Mapping[str, bool]) -> tuple[list[Engine], list[str]]:
    """The peers that this machine can run, and why not the others."""
    engines: list[Engine] = []
    absent: list[str] = []
    for name in ("BuildKit", "buildah"):
        if not wanted[name.lower()]:
            continue
        program = "dockerd" if name == "BuildKit" else "buildah"
        if os.getuid() != 0:
            absent.append(f"{name}: needs root")
        elif shutil.which(program) is None:
            absent.append(f"{name}: {program} is not installed")
        else:
            try:
                engine = BuildKit(directory / "docker") if name == "BuildKit" else Buildah(directory / name)
                engines.append(engine)
            except Failed as error:
                absent.append(f"{name}: {error}")
    return engines, absent
