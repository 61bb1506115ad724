"""Which contexts each kind of template may use (reference §21)."""

from __future__ import annotations

from engine.definition.checking import Scope

SECRET_CONTEXTS = frozenset(("secrets", "vaults", "github", "github-apps", "gitlab"))
CONTEXTS = frozenset(("init", "run", "task", "tasks", "params", "parallel", "event")) | SECRET_CONTEXTS
FUNCTIONS = {"starts-with": 2, "ends-with": 2, "contains": 2, "date": 1}
STATUSES = ("succeeded", "failed", "skipped")

_SECRETS = " ".join(sorted(SECRET_CONTEXTS))
RUN = Scope("a script", f"init run task tasks params parallel {_SECRETS}")
ENVIRONMENT = Scope("`env`", f"init run task tasks params parallel {_SECRETS}")
BACKGROUND = Scope("a background process", f"init run task tasks params parallel {_SECRETS}")
PARAMETERS = Scope("`with` and `init`", f"init run tasks params parallel {_SECRETS}")
TASK = Scope("this place", "init run tasks params parallel")
STATUS = Scope("`if` and `after`", "init run tasks params parallel", statuses=True)
RETRY_IF = Scope("`retry.if`", "init run task tasks params parallel")
ADDRESSES = Scope("`static-ips`", f"init run tasks params parallel {_SECRETS}")
PARALLEL = Scope("`parallel`", "init run tasks params")
PARALLEL_KEY = Scope("`parallel.key`", "init run tasks params parallel")
FILE = Scope("this place", "init run params")
BASE = Scope("`base`", "init run")
TRIGGER = Scope("`on`", "event run")
PACKAGE_OUTPUTS = Scope("package outputs", "run params tasks")
