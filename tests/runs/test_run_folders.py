"""What a task leaves in /run/outcrop is seen by no other, though the folder goes from task to task."""

from __future__ import annotations

from textwrap import indent

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces

_LEFT = (
    "true",
    "chmod 700 $RWX_VALUES",
    "chmod 700 /run/outcrop",
    "chown 7:7 $RWX_ENV",
    "rmdir $RWX_LINKS",
    "rmdir $RWX_LINKS; ln -s / $RWX_LINKS",
    "rmdir $RWX_LINKS; touch $RWX_LINKS",
    "mkdir /run/outcrop/more; touch /run/outcrop/more/.hidden",
    "touch $RWX_TEST_RESULTS/.hidden",
    "echo 1 > $RWX_VALUES/one; echo 1 > $RWX_ENV/ONE; echo oh > $RWX_WARNINGS/oh",
    "echo secret > /run/outcrop/secret; ln -s / /run/outcrop/out; mkfifo /run/outcrop/pipe",
    "python3 -c \"import os; os.setxattr(os.environ['RWX_INFO'], 'user.note', b'x')\"",
    "for i in $(seq 300); do touch $RWX_TIPS/a-name-that-is-not-short-$i; done; rm $RWX_TIPS/*",
    "true",
)
_LOOK = """\
find /run/outcrop ! -name environment ! -name script | sort | while read -r path; do
  stat -c "%n %F %a %u %g %h" "$path"
done
python3 -c "import os; print(os.listxattr(os.environ['RWX_INFO']))"
"""


def test_a_task_finds_the_folder_as_if_it_were_the_first(outcrop: Program) -> None:
    tasks = ""
    after = ""
    for number, left in enumerate(_LEFT):
        for key, script in ((f"leave{number}", left), (f"look{number}", _LOOK)):
            condition = f"    after: ${{{{ tasks.{after}.succeeded }}}}\n" if after else ""
            tasks += f"  - key: {key}\n{condition}    cache: false\n    run: |\n{indent(script, ' ' * 6)}\n"
            after = key
    outcrop.define(f'base: {{image: "host:", config: none}}\ntasks:\n{tasks}')
    run = outcrop("run", "--cpus", "1", "--progress", "plain")
    assert run.exit_code == 0, run.stdout + run.stderr
    seen = [outcrop("logs", f"look{number}").stdout for number in range(len(_LEFT))]
    assert len(seen[0].splitlines()) > 15, seen[0]
    assert seen == [seen[0]] * len(_LEFT)
