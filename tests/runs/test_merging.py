"""How layers merge for the task that uses them (reference §7), through real tasks."""

from __future__ import annotations

import pytest

from tests.runs.project import WORKSPACE, Project

pytestmark = pytest.mark.namespaces


def test_the_worked_decisions_hold(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    for name in ("d/kept", "gone/old", "again/old", "again/other", "file", "hidden/inside"):
        project.write(name, name)
    project.define(
        f"""
        {WORKSPACE}
        - {{key: mode, use: code, run: "chmod 700 d; chown 3:4 d"}}
        - {{key: adds, use: code, run: "echo x > d/x"}}
        - {{key: mode-first, use: [mode, adds], run: "stat -c '%a %u:%g' d; ls d"}}
        - {{key: adds-first, use: [adds, mode], run: "true; stat -c '%a %u:%g' d; ls d"}}

        - {{key: puts, use: code, run: "echo new > gone/new; echo new > again/new"}}
        - {{key: removes, use: code, run: "rm -r gone again; mkdir again"}}
        - {{key: all-gone, use: [puts, removes], run: "ls -d gone || true; ls again"}}
        - {{key: put-later, use: [removes, puts], run: "ls gone again"}}

        - {{key: to-file, use: code, run: "rm -r d; echo file > d"}}
        - {{key: directory-again, use: [to-file, adds], run: "find d | sort"}}
        - {{key: file-last, use: [adds, to-file], run: "cat d"}}

        - {{key: blind, use: code, filter: [], run: "ln -s nowhere hidden"}}
        - {{key: replaced, use: blind, run: "test -L hidden; ls"}}
        """
    )
    seen = project.passes()
    assert seen.output("mode-first").split() == ["700", "3:4", "kept", "x"]
    assert seen.output("adds-first").split() == ["700", "3:4", "kept", "x"]
    gone, *again = seen.output("all-gone").splitlines()
    assert "No such file" in gone
    assert again == ["new"], "only what was there is hidden where a directory is made again"
    assert seen.output("put-later").split() == ["again:", "new", "gone:", "new"]
    assert seen.output("directory-again").split() == ["d", "d/x"]
    assert seen.output("file-last") == "file"


def test_the_order_of_layers_follows_use_depth_first(project: Project) -> None:
    project.define(
        """
        - {key: low, run: "echo low > /which"}
        - {key: left, use: low, run: "echo left > /which"}
        - {key: right, use: low, run: "echo right > /which"}
        - {key: again, use: [left, right, low], run: "cat /which"}
        - {key: swapped, use: [right, left], run: "cat /which"}
        """
    )
    seen = project.passes()
    assert (seen.output("again"), seen.output("swapped")) == ("right", "left")


def test_what_is_written_back_unchanged_is_no_change(project: Project) -> None:
    project.write("a", "a")
    project.define(
        f"""
        {WORKSPACE}
        - {{key: same, use: code, run: "cp a b; mv b a; touch a; chmod 600 a; chmod 644 a; mkdir x; rmdir x"}}
        """
    )
    assert project.passes().ends["same"]["layer"] is None


def test_hard_links_and_odd_names_reach_the_next_task(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    long = "n" * 255
    project.define(
        f"""
        - key: makes
          run: |
            mkdir /odd; cd /odd
            echo x > one; ln one two; ln -s two three
            touch "$(printf 'new\\nline')" "$(printf 'bad\\377byte')" {long} " "; touch -- -rf
            mkfifo pipe
            dd if=/dev/zero of=sparse bs=1 count=1 seek=50000000 2>/dev/null
            mkdir empty; chmod 1711 empty
            chown 1000:1001 one; chmod 6755 one
        - key: sees
          use: makes
          run: |
            cd /odd
            test one -ef two
            stat -c %a:%u:%g one
            test -p pipe
            stat -c %a empty
            test $(stat -c %b sparse) -lt 1000
            stat -c %s sparse
            test -e {long}
            test -e "$(printf 'new\\nline')"
            test -e "$(printf 'bad\\377byte')"
            readlink three
        """
    )
    assert project.passes().output("sees").split() == ["6755:1000:1001", "1711", "50000001", "two"]


def test_a_file_that_looks_like_a_whiteout_is_a_clear_failure(project: Project) -> None:
    project.define('- {key: t, run: "echo x > .wh.x"}')
    seen = project.run()
    assert seen.exit_code == 1, seen.explain()
    assert seen.failed == {"t"}
    assert ".wh.x` cannot be kept" in str(seen.messages("t"))


def test_outputs_filesystem_keeps_what_it_is_told(project: Project) -> None:
    project.write("given", "x")
    project.define(
        f"""
        {WORKSPACE}
        - key: nothing
          use: code
          run: echo x > made; echo x > /etc/made; rm given
          outputs: {{filesystem: false}}
        - key: some
          use: code
          run: |
            mkdir -p out/tmp; echo x > out/a; echo x > out/tmp/b; echo x > other
            rm given; echo x > /etc/made
          outputs: {{filesystem: {{filter: [out, "!out/tmp"]}}}}
        - key: system
          use: code
          run: echo x > made; mkdir -p /opt/a /var/cache/b; echo x > /opt/a/f; echo x > /var/cache/b/f
          outputs: {{filesystem: {{filter: {{workspace: [], system: ["!/var/cache"]}}}}}}
        - {{key: of-nothing, use: nothing, run: "ls; ls /etc/made || true"}}
        - {{key: of-some, use: some, run: "find . -type f | sort; ls /etc/made"}}
        - {{key: of-system, use: system, run: "ls; ls /opt/a /var/cache/b || true"}}
        """
    )
    seen = project.passes()
    assert seen.ends["nothing"]["layer"] is None
    assert seen.output("of-nothing").splitlines()[0] == "given"
    assert "No such file" in seen.output("of-nothing")
    assert seen.output("of-some").split() == ["./given", "./out/a", "/etc/made"]
    assert seen.output("of-system").startswith("given\n")
    assert "f" in seen.output("of-system").split()
    assert "/var/cache/b: No such file" in seen.output("of-system")
