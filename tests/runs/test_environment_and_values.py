"""What tasks hand on besides files: variables, values, artifacts and the image configuration (§10–§13)."""

from __future__ import annotations

import pytest

from tests.runs.project import WORKSPACE, Project

pytestmark = pytest.mark.namespaces


def test_exports_reach_those_that_use_the_task_and_nobody_else(project: Project) -> None:
    project.define(
        """
        - key: low
          run: |
            printf 'one\\n\\n' > $RWX_ENV/NEWLINE
            echo low > $RWX_ENV/WHO; echo low > $RWX_ENV/LOW
            echo /low/bin > $RWX_ENV/PATH
            echo secret > $RWX_CACHE_KEY_EXCLUDED_ENV/QUIET
            echo own:$WHO
          env: {OWN: low}
        - key: high
          use: low
          run: |
            echo high > $RWX_ENV/WHO
            printf '/high/bin\\n/more' > $RWX_ENV/PATH
            echo "$NEWLINE|"
            echo ${OWN-unset}
        - {key: consumer, use: high, run: "echo $WHO $LOW $PATH $QUIET"}
        - {key: ordered, after: high, run: "echo ${WHO-unset}"}
        - {key: override, use: high, env: {WHO: me, PATH: /mine}, run: "/bin/echo $WHO $PATH"}
        - {key: none-of-ours, run: "env"}
        """
    )
    seen = project.passes(env={"LEAKED": "from outside"})
    default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert seen.output("low") == "own:"
    assert seen.output("high") == "one\n|\nunset"
    assert seen.output("consumer") == f"high low /high/bin:/more:/low/bin:{default} secret"
    assert seen.output("ordered") == "unset"
    assert seen.output("override") == f"me /mine:/high/bin:/more:/low/bin:{default}"
    assert "LEAKED" not in seen.output("none-of-ours")
    names = {line.partition("=")[0] for line in seen.output("none-of-ours").splitlines()}
    assert {"CI", "RWX", "OUTCROP", "RWX_RUN_ID", "MINT_RUN_ID", "RWX_TASK_ID", "RWX_CACHE_KEY"} <= names


def test_env_config_merges_and_inherits(project: Project) -> None:
    project.define(
        """
        - {key: a, run: "echo -O2 -g > $RWX_ENV/FLAGS; echo a > $RWX_ENV/A; echo /a > $RWX_ENV/PATH"}
        - {key: b, use: a, run: "echo -Wall -g > $RWX_ENV/FLAGS; echo b > $RWX_ENV/B"}
        - {key: c, run: "echo c > $RWX_ENV/C"}
        - key: joined
          use: b
          env: {FLAGS: -Werror}
          env-config: {merge: {FLAGS: {strategy: join, by: " "}, PATH: {strategy: override}}}
          run: /bin/echo "$FLAGS $PATH"
        - {key: not-joined, use: joined, run: "echo $FLAGS"}
        - {key: some, use: [b, c], env-config: {inherit: [c]}, run: "echo ${A-no} ${B-no} ${C-no}"}
        - {key: deep, use: [b, c], env-config: {inherit: [b]}, run: "echo ${A-no} ${B-no} ${C-no}"}
        """
    )
    seen = project.passes()
    assert seen.output("joined") == "-Werror -Wall -g -O2 /a"
    assert seen.output("not-joined") == "-Wall -g"
    assert seen.output("some") == "no no c"
    assert seen.output("deep") == "a b no"


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("echo x > $RWX_ENV/not-a-name", "not-a-name"),
        ("printf 'a\\\\0b' > $RWX_ENV/NAME", "NAME"),
        ("mkdir $RWX_ENV/NAME", "NAME"),
        ("echo relative > $RWX_IMAGE/workspace", "workspace"),
        ("echo '{' > $RWX_IMAGE/command.json", "command.json"),
        ('echo \\"\'\\" > $RWX_IMAGE/command', "command"),
    ],
)
def test_what_a_task_may_not_say_is_its_users_error(project: Project, script: str, named: str) -> None:
    project.define(f'- {{key: t, run: "{script}"}}\n- {{key: consumer, use: t, run: "true"}}')
    seen = project.run()
    assert seen.exit_code == 1
    assert seen.ends["t"]["cause"] == "user_error", seen.explain()
    assert named in seen.messages("t", "user_error")[0]
    assert set(seen.skipped) == {"consumer"}


def test_values_are_read_by_expressions(project: Project) -> None:
    project.define(
        """
        - {key: t, run: "printf 'a b\\\\n\\\\n' > $RWX_VALUES/two.parts; echo 1 > $RWX_VALUES/n; echo $OUT"}
        - {key: reads, run: "echo '${{ tasks.t.values['two.parts'] }}|${{ tasks.t.values?.nothing }}|'"}
        - {key: wrong, run: "echo ${{ tasks.t.values.nn }}"}
        - {key: compares, if: "${{ tasks.t.values.n < 10 }}", run: "true"}
        - {key: nonsense, if: "${{ tasks.t.values['two.parts'] < 10 }}", run: "true"}
        """
    )
    seen = project.run()
    assert seen.output("reads") == "a b\n||"
    assert {task for task, end in seen.ends.items() if end["cause"] == "user_error"} == {"wrong", "nonsense"}
    assert "`t`" in seen.messages("wrong")[0] or "tasks.t" in seen.messages("wrong")[0]
    assert "nn" in seen.messages("wrong")[0]
    assert seen.ends["compares"]["result"] == "succeeded"
    assert project.run().hits >= {"t", "reads", "compares"}


def test_artifacts_of_every_kind(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - key: makes
          run: |
            echo file > report.txt; chmod 640 report.txt
            mkdir -p site/sub; echo page > site/sub/page; ln -s sub site/link
            ln -s report.txt pointer
            echo undeclared > $RWX_ARTIFACTS/extra
            ln -s /proc/1/root/etc/shadow out-of-here
          outputs:
            filesystem: false
            artifacts:
              - {key: report, path: report.txt}
              - {key: site, path: site}
              - {key: pointer, path: pointer}
              - {key: missing, path: nowhere}
        - key: reads
          env:
            REPORT: ${{ tasks.makes.artifacts.report }}
            SITE: ${{ tasks.makes.artifacts.site }}
            POINTER: ${{ tasks.makes.artifacts.pointer }}
            EXTRA: ${{ tasks.makes.artifacts.extra }}
          run: |
            for path in "$REPORT" "$SITE" "$POINTER" "$EXTRA"; do
              case $path in /run/outcrop/*) ;; *) exit 9;; esac
            done
            cat "$REPORT" "$SITE/link/page" "$POINTER" "$EXTRA"
            test -L "$SITE/link"; test ! -L "$POINTER"
            (echo x > "$REPORT") && exit 9 || true
            (touch "$SITE/new") && exit 9 || true
            test ! -e report.txt
        - {key: refers, run: "cat ${{ tasks.makes.artifacts.missing }}"}
        - key: filtered
          filter: {workspace: [], "${{ tasks.makes.artifacts.site }}": [link]}
          run: cd ${{ tasks.makes.artifacts.site }}; find . | sort
        """
    )
    seen = project.run()
    assert seen.output("reads").splitlines()[:4] == ["file", "page", "file", "undeclared"], seen.explain()
    assert seen.ends["reads"]["result"] == "succeeded", seen.explain()
    (warning,) = seen.messages("makes", "warning")
    assert "nowhere" in warning
    assert seen.ends["refers"]["cause"] == "user_error"
    assert "missing" in seen.messages("refers")[0]
    assert seen.output("filtered").split() == [".", "./link"]
    assert project.run().hits == {"makes", "reads", "filtered"}


def test_an_artifact_is_the_input_and_not_the_task_that_made_it(project: Project) -> None:
    tasks = """
        - key: makes
          run: echo {} > noise; echo {} > out
          outputs: {{artifacts: [{{key: out, path: out}}]}}
        - {{key: reads, run: "cat ${{{{ tasks.makes.artifacts.out }}}}"}}
        """
    project.define(tasks.format("a", "same"))
    project.passes()
    project.define(tasks.format("b", "same"))
    seen = project.passes()
    assert (seen.executed, seen.hits) == ({"makes"}, {"reads"})
    project.define(tasks.format("b", "other"))
    seen = project.passes()
    assert seen.misses["reads"] == "changed artifact makes.out"


def test_artifacts_of_a_failed_task_can_be_read(project: Project) -> None:
    project.define(
        """
        - key: tests
          run: echo report > report.xml; echo v > $RWX_VALUES/v; exit 1
          outputs: {artifacts: [{key: report, path: report.xml}]}
        - key: publish
          after: ${{ tests.succeeded || tests.failed }}
          env: {REPORT: "${{ tasks.tests.artifacts.report }}"}
          run: cat $REPORT
        - {key: needs-it, run: "cat ${{ tasks.tests.artifacts.report }}"}
        """
    )
    seen = project.run()
    assert seen.exit_code == 1
    assert seen.output("publish") == "report", seen.explain()
    assert set(seen.skipped) == {"needs-it"}


def test_the_same_artifact_declared_and_written_is_an_error(project: Project) -> None:
    project.define(
        """
        - {key: t, run: "echo > a; echo > $RWX_ARTIFACTS/a", outputs: {artifacts: [{key: a, path: a}]}}
        """
    )
    assert project.run().ends["t"]["cause"] == "user_error"


def test_run_dir_in_a_command_is_a_copy_of_that_directory(project: Project) -> None:
    project.write("data.txt", "data")
    (project.directory / ".gitignore").write_text("ignored\n")
    (project.directory / "ignored").write_text("x")
    project.define(
        """
        - key: t
          run: |
            cat ${{ run.dir }}/src/data.txt
            test ! -e ${{ run.dir }}/ignored
            (touch ${{ run.dir }}/new) && exit 9 || true
        - {key: filtered, filter: {workspace: [], "${{ run.dir }}": [src]}, run: "ls ${{ run.dir }}"}
        """
    )
    seen = project.passes()
    assert seen.output("t").startswith("data")
    assert seen.output("filtered") == "src"
    assert project.passes().hits == {"t", "filtered"}
    (project.directory / "more").write_text("more")
    seen = project.passes()
    assert (seen.executed, seen.hits) == ({"t"}, {"filtered"})
    project.write("data.txt", "other")
    assert project.passes().executed == {"t", "filtered"}


def test_the_image_configuration_decides_how_later_tasks_run(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - key: prepare
          run: |
            echo 'dev:x:1000:1000::/home/dev:/bin/sh' >> /etc/passwd
            echo 'dev:x:1000:' >> /etc/group; echo 'extra:x:2000:dev' >> /etc/group
            mkdir /home /home/dev; chown 1000:1000 /home/dev
            echo dev > $RWX_IMAGE/user
            echo /srv/app > $RWX_IMAGE/workspace
            echo '/bin/sh -e -u' > $RWX_IMAGE/shell
            echo 'debian 13' > $RWX_IMAGE/os
            id -u; pwd
        - key: inherits
          use: prepare
          run: |
            id -un; id -G; pwd; echo $HOME
            echo mine > ~/file
            echo kept > /tmp/file
            (: $UNSET) || echo strict
        - key: by-number
          use: prepare
          run: id -u
        - {key: numbers, use: by-number, run: "id -u"}
        - {key: sets, run: "echo 12:34 > $RWX_IMAGE/user"}
        - {key: gets, use: sets, run: "id -u; id -g; stat -c %u:%g ."}
        - {key: other, run: "id -u; pwd"}
        """
    )
    seen = project.passes()
    assert seen.output("prepare").split() == ["0", "/var/mint-workspace"]
    assert seen.output("inherits").splitlines()[:4] == ["dev", "1000 2000", "/srv/app", "/home/dev"]
    assert "strict" in seen.output("inherits")
    assert seen.output("gets").split()[:2] == ["12", "34"]
    assert seen.output("other").split() == ["0", "/var/mint-workspace"]


def test_messages_and_links_are_shown_with_the_task(project: Project) -> None:
    project.define(
        """
        - key: t
          run: |
            echo bad > $RWX_ERRORS/e; echo careful > $RWX_WARNINGS/w; echo fyi > $RWX_INFO/i
            echo https://example.org/ > "$RWX_LINKS/a link"
        """
    )
    for _ in range(2):
        seen = project.passes()
        assert sorted((m["type"], m["message"]) for m in seen.ends["t"]["messages"]) == [
            ("error", "bad"),
            ("info", "fyi"),
            ("warning", "careful"),
        ]
    (task,) = [task for task in project.results()["Tasks"] if task["Key"] == "t"]
    assert "https://example.org/" in str(task["Outputs"]["Links"])


def test_a_filter_can_be_an_expression(project: Project) -> None:
    for name in ("a/x", "b/y", "c"):
        project.write(name)
    project.define(
        f"""
        {WORKSPACE}
        - {{key: lines, use: code, filter: "${{{{ init.want }}}}", run: "find . -type f | sort"}}
        - {{key: entry, use: code, filter: ["${{{{ init.one }}}}/*"], run: "find . -type f | sort"}}
        - key: excluded
          use: code
          filter: [a, {{path: c, cache-key: excluded}}]
          run: find . -type f | sort
        """
    )
    seen = project.passes("--init", "want=a\nc", "--init", "one=b")
    assert seen.output("lines").split() == ["./a/x", "./c"]
    assert seen.output("entry").split() == ["./b/y"]
    assert seen.output("excluded").split() == ["./a/x", "./c"]
    seen = project.passes("--init", 'want=["a", "!a/x", "c"]', "--init", "one=b")
    assert seen.output("lines").split() == ["./c"]
    project.write("c", "changed")
    seen = project.passes("--init", "want=a", "--init", "one=b")
    assert "excluded" in seen.hits
