"""What lint finds, rule by rule: the whole file, and where it is reported."""

from __future__ import annotations

import pytest

from tests.definition.conftest import LintText, LoadText

_BASE = 'base: {image: "host:", config: none}\n'


def _tasks(*tasks: str) -> str:
    return _BASE + "tasks:\n" + "".join(f"  - {{{task}}}\n" for task in tasks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["missing-tasks 1:1"]),
        ("# nothing\n", ["missing-tasks 1:1"]),
        ("- a\n", ["missing-tasks 1:1"]),
        ("null\n", ["missing-tasks 1:1"]),
        (_BASE, ["missing-tasks 1:1"]),
        (_BASE + "tasks: {a: {run: x}}\n", ["wrong-type 2:8"]),
        (_BASE + "tasks: []\n", ["too-few-items 2:8"]),
        (_BASE + "tasks:\n", ["null-value 2:7"]),
        (_BASE + "tasks: [[{key: a, run: x}], [[{key: b, run: x}]]]\n", []),
        (_BASE + "tasks: [a, {}]\n", ["unknown-form 2:9", "unknown-form 2:12", "missing-key 2:12"]),
        (_BASE + "name: x\nenv: {}\ntasks: [{key: a, run: x}]\n", ["unknown-key 2:1", "unknown-key 3:1"]),
        (_BASE + "aliases:\non:\ndefaults:\ntasks: [{key: a, run: x}]\n", []),
        (_BASE + "package: false\ntasks: [{key: a, run: x}]\n", []),
        (_BASE + "package:\ntasks: [{key: a, run: x}]\n", ["null-value 2:9"]),
        (_BASE + "tool-cache:\ntasks: [{key: a, run: x}]\n", ["null-value 2:12"]),
        (_BASE + "concurrency-pools: {}\ntasks: [{key: a, run: x}]\n", ["wrong-type 2:20"]),
        (
            _BASE + 'concurrency-pools: [{id: "", capacity: 1.5, on-overflow: Queue, if: true}]\n'
            "tasks: [{key: a, run: x}]\n",
            ["out-of-range 2:26", "out-of-range 2:40", "wrong-type 2:58", "not-an-expression 2:69"],
        ),
        (
            _BASE + "defaults: {agent: {cpus: 0, memory: 5}, outputs: {logs: {retention: x}}}\n"
            "tasks: [{key: a, run: x}]\n",
            ["bad-agent 2:26", "wrong-type 2:37", "bad-duration 2:69"],
        ),
        ("tasks: [{key: a, run: x}]\n", ["missing-base 1:1"]),
    ],
)
def test_the_top_level_is_checked(text: str, expected: list[str], lint_text: LintText) -> None:
    assert lint_text(text) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ('{image: "ubuntu:24.04", config: rwx/base 1.2.0}', []),
        ("{image: scratch, config: none, arch: arm64}", []),
        ("{image: 1.0, config: none}", []),
        ("{os: ubuntu 24.04, tag: 1.2}", []),
        ("", ["null-value 1:6"]),
        ("x", ["wrong-type 1:7"]),
        ("{}", ["missing-key 1:7"]),
        ("{config: none}", ["missing-key 1:8"]),
        ("{image: x}", ["bad-base 1:8"]),
        ("{os: x}", ["bad-base 1:8"]),
        ('{image: "", config: none}', ["bad-base 1:15"]),
        ("{image: x, config: none, arch: amd64}", ["bad-base 1:38"]),
        ("{image: x, config: acme/nothing 1.0.0}", ["package-not-found 1:18"]),
        ("{image: x, config: nothing}", ["bad-package-call 1:18"]),
        ("{target: a}", ["bad-base 1:8"]),
        ('{call: "${{ run.dir }}/none.yml"}', ["bad-base 1:8", "missing-file 1:14"]),
        ("{call: none.yml, target: a}", ["bad-base 1:14"]),
        ('{call: "${{ init.x }}/none.yml", target: a}', ["bad-base 1:14"]),
        ("{image: x, config: none, init: {a: 1}}", ["bad-base 1:8"]),
        ('{image: "${{ tasks.a.values.x }}", config: none}', ["misplaced-context 1:15"]),
        ('{image: "${{ secrets.x }}", config: none}', ["misplaced-context 1:15"]),
    ],
)
def test_the_base_is_checked(base: str, expected: list[str], lint_text: LintText) -> None:
    assert lint_text(f"base: {base}\ntasks: [{{key: a, run: x}}]\n") == expected


# The text that follows `key: a, run: x` in a task of one line; findings are in line 3.
_COMMAND_KEYS = [
    ("timeout: none", []),
    ("timeout: 1h30m", []),
    ('timeout: "${{ init.limit }}"', []),
    ("timeout: 1h 30m", ["bad-duration 3:31"]),
    ('timeout: ""', ["bad-duration 3:31"]),
    ("timeout: 30", ["wrong-type 3:31"]),
    ("timeout: 5m, timeout-minutes: 5", ["exclusive-keys 3:6", "deprecated 3:35"]),
    ("timeout-minutes: x", ["deprecated 3:22", "wrong-type 3:39"]),
    ("terminate-grace-period-seconds: 1.5", []),
    ('terminate-grace-period-seconds: "5"', ["wrong-type 3:54"]),
    ('terminate-grace-period-seconds: "${{ 5 }}"', ["expression-not-allowed 3:54"]),
    ("retry: 3", []),
    ('retry: "3"', []),
    ("retry: -1", ["out-of-range 3:29"]),
    ("retry: {}", ["missing-key 3:29"]),
    ("retry: {count: 1, if: true}", ["not-an-expression 3:44"]),
    ('retry: {count: 1, if: "${{ task.attempt-number < 3 }}"}', []),
    ("docker: true", []),
    ("docker: preserve-data", []),
    ('docker: "true"', ["wrong-type 3:30"]),
    ("docker: keep", ["wrong-type 3:30"]),
    ("network: none", []),
    ("network: bridge", ["bad-network 3:31"]),
    ('network: "${{ init.x }}"', ["expression-not-allowed 3:31"]),
    ("agent: ", []),
    ("agent: {cpus: 4, memory: 1.5gb}", []),
    ('agent: {cpus: "${{ init.n }}"}', []),
    ("agent: {cpus: 1.5}", ["bad-agent 3:36"]),
    ("runner: {memry: 5}", ["unknown-key 3:31"]),
    ("runner: {}, agent: {}", ["exclusive-keys 3:6"]),
    ('tool-cache: "${{ task.attempt-number }}"', ["misplaced-context 3:34"]),
    ("cache: yes", ["wrong-type 3:29"]),
    ("cache: {}", ["bad-cache 3:29"]),
    ("cache: {enabled: true, ttl: 1 days}", []),
    ("cache: {ttl: 0 days}", ["bad-ttl 3:35"]),
    ("cache: {ttl: 1day}", ["bad-ttl 3:35"]),
    ("cache: {ttl: }", ["null-value 3:34"]),
    ('cache: "${{ init.x }} y"', ["not-an-expression 3:29"]),
    ("env: [A=b]", ["wrong-type 3:27"]),
    ("env: {A: [x]}", ["wrong-type 3:31"]),
    ("env: {A: {valeu: x}}", ["unknown-key 3:32", "bad-env 3:32"]),
    ("env: {A: {value: x, cache-key: maybe}}", ["bad-env 3:53"]),
    ("env: {A: {cache: true}}", ["deprecated 3:32", "bad-env 3:32"]),
    ("env: {A: {value: x, cache: true}}", ["deprecated 3:42"]),
    ("env: {A: {value: x, cache: true, cache-key: included}}", ["exclusive-keys 3:32", "deprecated 3:42"]),
    ('env: {"A=": x}', ["bad-env 3:28"]),
    ("env-config: {inherit: all}", ["bad-env 3:44"]),
    ("env-config: {inherit: [zz]}", ["unknown-task 3:45"]),
    ("env-config: {merge: {A: {strategy: joi}}}", ["bad-env 3:47"]),
    ('env-config: {merge: {A: {strategy: override, by: ","}}}', ["bad-env 3:47"]),
    ("env-config: {merge: {A: {by: x}}}", ["missing-key 3:47"]),
    ("outputs: ", []),
    ("outputs: {filesystem: false}", []),
    ("outputs: {filesystem: true}", ["wrong-type 3:44"]),
    ("outputs: {artifacts: [{key: a/b, path: x}]}", ["bad-key 3:50"]),
    ('outputs: {artifacts: [{key: a, path: ""}]}', ["out-of-range 3:59"]),
    ('outputs: {artifacts: [{key: "${{ x }}", path: x}]}', ["expression-not-allowed 3:50"]),
    ("outputs: {filesystem: {filter: [/a]}}", ["bad-filter 3:54"]),
    ('outputs: {filesystem: {filter: {system: [a, "*", /x, "!*y"]}}}', ["bad-filter 3:63"]),
    ("outputs: {execution-status: {success-exit-codes: [1, 256]}}", ["out-of-range 3:75"]),
    (
        "outputs: {test-results: [{options: {}}]}",
        ["missing-key 3:48", "missing-key 3:57", "missing-key 3:57"],
    ),
    ("outputs: {problems: [{}]}", ["missing-key 3:43"]),
    ("outputs: {problems: [{matcher: ruff, path: x}]}", ["exclusive-keys 3:44"]),
    ("outputs: {problems: [{matcher: nothing}]}", ["bad-matcher 3:53"]),
    ("outputs: {values: [a]}", ["deprecated 3:32"]),
    ("mounts: [{}]", ["bad-mount 3:31"]),
    ("mounts: [{type: cache}]", ["bad-mount 3:32"]),
    ("mounts: [{type: cache, target: x}]", ["bad-mount 3:53"]),
    ("mounts: [{type: secret, id: x, mode: 400}]", ["wrong-type 3:59"]),
    ('mounts: [{type: secret, id: x, mode: "999"}]', ["bad-mount 3:59"]),
    ("mounts: [{type: bind, from: zz, target: /x}]", ["unknown-task 3:50"]),
    ("mounts: [{type: tmpfs, target: /x}]", ["bad-mount 3:38"]),
    ("with: {a: b}", ["unknown-key 3:22"]),
    ("timeot: 5m", ["unknown-key 3:22"]),
    ("use: [zz]", ["unknown-task 3:28"]),
    ("use: a..b", ["bad-key 3:27"]),
    ('use: "${{ init.x }}"', ["expression-not-allowed 3:27"]),
    ("use: [~]", ["null-value 3:28"]),
    ("use: 5", ["wrong-type 3:27"]),
    ("use: package.use", ["unknown-task 3:27"]),
    ("parallel: 0", ["bad-parallel 3:32"]),
    ("parallel: []", ["wrong-type 3:32"]),
    ("parallel: {}", ["bad-parallel 3:32"]),
    ("parallel: {matrix: {}}", ["bad-parallel 3:41"]),
    ("parallel: {matrix: {b: 5}}", ["wrong-type 3:45"]),
    ('parallel: {matrix: {b: "${{ init.x }}"}}', []),
    ("parallel: {values: []}", ["too-few-items 3:41"]),
    ("parallel: {values: [{}]}", ["bad-parallel 3:41"]),
    ('parallel: {total: "${{ parallel.index }}"}', ["misplaced-context 3:40"]),
    ('parallel: {total: 2, key: "${{ parallel.x }}"}', ["unknown-member 3:48"]),
    ('parallel: {values: "${{ init.v }}", key: "${{ parallel.anything }}"}', []),
    ("parallel: {total: 2, tasks-limit: 0}", ["out-of-range 3:56"]),
    ("background-processes: {}", ["wrong-type 3:44"]),
    ("background-processes: [{key: a}]", ["missing-key 3:46"]),
    ("background-processes: [{key: a, run: x}, {key: a, run: x}]", ["duplicate-name 3:64"]),
    ("background-processes: [{key: a, run: x, ready-check: {}}]", ["missing-key 3:75"]),
    ("background-processes: [{key: a, run: x, after: a}]", ["cycle 3:69"]),
]


@pytest.mark.parametrize(("keys", "expected"), _COMMAND_KEYS, ids=[keys for keys, _ in _COMMAND_KEYS])
def test_the_keys_of_a_command_task_are_checked(keys: str, expected: list[str], lint_text: LintText) -> None:
    assert lint_text(_tasks(f"key: a, run: x, {keys}")) == expected


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("runn: x", ["unknown-form 3:5", "missing-key 3:5", "unknown-key 3:5"]),
        ("key: a, run: ", ["null-value 3:17"]),
        ("key: a, run: []", ["blank-script 3:18"]),
        ('key: a, run: [" ", ""]', ["blank-script 3:18"]),
        ("key: a, run: {a: b}", ["wrong-type 3:18"]),
        ("key: a, run: [a, [b, c]]", []),
        ("key: a, run: 5", []),
        ('key: "", run: x', ["bad-key 3:10"]),
        ("key: a b, run: x", ["bad-key 3:10"]),
        ("key: true, run: x", []),
        ("key: -b, run: x", ["leading-dash 3:10"]),
        ("key: a, app: {endpoint: -x, port: 99}, run: x", ["bad-app 3:19", "bad-app 3:33"]),
        ("key: a, app: {endpoint: x, port: 8080}", ["missing-key 3:5"]),
        ("key: a, app: {endpoint: x, port: 8080}, run: x, outputs: {}", ["unknown-key 3:53"]),
        ("key: a, call: git/clone", ["bad-package-call 3:13"]),
        ("key: a, call: git/clone 3.0.0", ["package-not-found 3:13"]),
        ("key: a, call: git/clon 2.0.0", ["package-not-found 3:13"]),
        ("key: a, call: ./x.yml", ["bad-package-call 3:13"]),
        ("key: a, call: git/clone 2.0.8", ["bad-parameters 3:13"]),
        ("key: a, call: git/clone 1.9.9, with: {repository: x, ref: y, lf: z}", ["bad-parameters 3:36"]),
        ('key: a, call: "${{ run.dir }}/x.txt"', ["bad-package-call 3:13"]),
        ('key: a, call: "${{ run.dir }}/x.yml"', ["missing-file 3:19"]),
        ("key: a, call: git/clone 2.0.8, init: {}", ["bad-package-call 3:13"]),
        (
            'key: a, call: "${{ run.dir }}/x.yml", init: inherit, inherit-init: false',
            ["exclusive-keys 3:5", "missing-file 3:19"],
        ),
        ('key: a, call: "${{ run.dir }}/x.yml", target: []', ["missing-file 3:19", "too-few-items 3:51"]),
    ],
)
def test_the_forms_of_a_task_are_checked(task: str, expected: list[str], lint_text: LintText) -> None:
    moved = [
        f"{rule} 3:{int(place.split(':')[1]) + 1}" for rule, place in (item.split() for item in expected)
    ]
    assert lint_text(_tasks(task)) == moved


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("[a, '!b', 'src/**/*.py', {path: c, cache-key: excluded}]", []),
        ("[a//b, ./c, '${{ init.x }}']", []),
        ("[[a, [b]]]", []),
        ("['']", ["bad-filter 4:39"]),
        ("['!!a']", ["bad-filter 4:39"]),
        ("[a/../b]", ["bad-filter 4:39"]),
        ("[/a, '!/b']", ["filter-slash 4:39", "filter-slash 4:43"]),
        ("[{path: /a}]", ["bad-filter 4:46"]),
        ("[{pth: a}]", ["unknown-key 4:40", "bad-filter 4:40"]),
        ("[{path: a, cache-key: 5}]", ["bad-filter 4:40"]),
        ("src", ["bad-filter 4:38"]),
        ("true", ["wrong-type 4:38"]),
        ("'a ${{ init.x }}'", ["not-an-expression 4:38"]),
        ("{workspace: [a], '${{ run.dir }}': [b]}", []),
        ("{workspace: a}", ["bad-filter 4:50"]),
        ("{'${{ init.x }}': [a]}", ["bad-filter 4:39"]),
        ("{sources: [a]}", ["bad-filter 4:39"]),
    ],
)
def test_filters_are_checked(filter: str, expected: list[str], lint_text: LintText) -> None:  # noqa: A002 - its name
    assert lint_text(_tasks("key: c, run: x", f"key: a, run: x, use: c, filter: {filter}")) == expected


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ("{github: {push: , pull_request: [{actions: [opened]}]}}", []),
        ("{cache-rebuild: , cron: , webhook: , dispatch: , cli: }", []),
        ("{github: {push: {actions: [x]}}}", ["unknown-key 2:22"]),
        ("{github: {pull-request: {}}}", ["unknown-key 2:15"]),
        ("{origin: {pull_request: {}}}", ["unknown-key 2:15"]),
        ("{github: {push: {if: true}}}", ["not-an-expression 2:26"]),
        ("{github: {push: {target: [zz]}}}", ["unknown-task 2:31"]),
        ("{github: {push: {target: []}}}", ["too-few-items 2:30"]),
        ("{github: {push: {start: manual}}}", ["wrong-type 2:29"]),
        ('{cli: {init: {a: "${{ init.x }}"}}}', ["misplaced-context 2:22"]),
        ('{cli: {init: {a: "${{ event.git.sha }}"}}}', []),
        ("{cli: {init: {a: }}}", ["null-value 2:21"]),
        ("{cli: {target: a}}", ["unknown-key 2:12"]),
        ("{cli: [{}]}", ["wrong-type 2:11"]),
        ('{cron: {key: a, schedule: "0 3 * *"}}', ["bad-cron 2:21"]),
        ("{webhook: [{key: a}, {key: a}]}", ["duplicate-name 2:27"]),
        ("{webhook: {}}", ["missing-key 2:15"]),
        ("{dispatch: {key: a, params: [{key: b, default: x, values: [y]}]}}", ["bad-dispatch-default 2:43"]),
        ("{cache-rebuild: {status-checks: true}}", ["unknown-key 2:22"]),
        ("push", ["wrong-type 2:5"]),
    ],
)
def test_triggers_are_checked(triggers: str, expected: list[str], lint_text: LintText) -> None:
    assert lint_text(f"{_BASE}on: {triggers}\ntasks: [{{key: a, run: x}}]\n") == expected


@pytest.mark.parametrize(
    ("head", "task", "expected"),
    [
        ("package: true", "key: a, run: x, use: package.use", []),
        ("package: {visibility: local, parameters: {p: }}", 'key: a, run: "${{ params.p }}"', []),
        ("package: {visibility: public}", "key: a, run: x", ["bad-package 1:23"]),
        ("package: true\nbase: {image: x, config: none}", "key: a, run: x", ["bad-package 2:8"]),
        ("package: true\non:", "key: a, run: x", ["bad-package 2:4"]),
        ("package: true", "key: package, run: x", ["bad-package 3:6"]),
        (
            "package: true",
            "key: a, run: x, use: [package.use, package.use]",
            ["bad-package 3:6", "use-order 3:41"],
        ),
        (
            "package: {parameters: {}}\nparameters: {}",
            "key: a, run: x",
            ["deprecated 2:1", "bad-package 2:1"],
        ),
        ("package: true", 'key: a, run: "${{ params.p }}"', ["unknown-member 3:19"]),
        ("package: true", 'key: a, run: "${{ init.p }}"', ["misplaced-context 3:19"]),
        ("package: true", 'key: a, run: "${{ secrets.p }}"', ["misplaced-context 3:19"]),
        (
            "package: {parameters: {p: {default: '${{ 1 }}'}}}",
            "key: a, run: x",
            ["expression-not-allowed 1:37"],
        ),
    ],
)
def test_local_packages_are_checked(head: str, task: str, expected: list[str], lint_text: LintText) -> None:
    found = lint_text(f"{head}\ntasks:\n  - {{{task}}}\n")
    last = head.count("\n") + 3
    assert found == [
        item.replace(" 3:", f" {last}:") if item.split()[1].startswith("3:") else item for item in expected
    ]


def test_every_finding_says_what_to_do(load_text: LoadText) -> None:
    for keys, expected in _COMMAND_KEYS:
        found = load_text(_tasks(f"key: a, run: x, {keys}"), for_run=False).diagnostics
        for diagnostic in found[: len(expected)]:
            assert diagnostic.hint or diagnostic.severity == "tip", str(diagnostic)
            assert (diagnostic.end_line, diagnostic.end_column) >= (diagnostic.line, diagnostic.column)
