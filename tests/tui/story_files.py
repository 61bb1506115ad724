"""The files of the run of `tests.tui.story`: for pictures of the Inspect screen, and for its tests."""

from __future__ import annotations

from engine.api.file_messages import PlaceChoice, Waste, WastedPath
from tests.tui.fake_files import FakeFiles, FakeLayer, fake_layer, link
from tests.tui.story import RUN, StoryEngine

PLACE = f"task:{RUN}/web"
WORK = "var/mint-workspace"
OTHER = f"task:{RUN}/web-unit"
_PARSE = """\
package parse

import "strings"

// Parse splits a line into words.
func Parse(line string) []string {
\twords := strings.Fields(line)
\treturn words
}
"""
_PARSE_CHANGED = _PARSE.replace(
    "\treturn words\n", "\tif len(words) == 0 {\n\t\treturn nil\n\t}\n\treturn words\n"
)
_MAIN = "\n".join(
    f'import {{ view{number} }} from "./views/view{number}";\nexport const v{number} = view{number};'
    for number in range(1, 40)
)
_BINARY = b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40


def layers() -> tuple[FakeLayer, ...]:
    """A base, the code, what it needs, and what was built of it."""
    base = fake_layer(
        "base",
        {
            "bin": link("usr/bin"),
            "etc/os-release": b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
            "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
            "usr/bin/bash": _BINARY * 100,
            "usr/bin/env": _BINARY * 4,
            **{f"usr/lib/x86_64-linux-gnu/lib{name}.so.1": _BINARY * 20 for name in ("c", "m", "z", "ssl")},
            "usr/share/doc/bash/copyright": b"GPL\n" * 400,
            "tmp": None,
        },
        result="base",
    )
    code = fake_layer(
        "code",
        {
            f"{WORK}/README.md": b"# The project\n\nIt parses lines.\n",
            f"{WORK}/src/parse.go": _PARSE.encode(),
            f"{WORK}/src/main.ts": _MAIN.encode(),
            f"{WORK}/package.json": b'{\n  "name": "web",\n  "version": "1.4.0"\n}\n',
        },
    )
    deps = fake_layer(
        "web-deps",
        {
            **{f"{WORK}/node_modules/pkg{number}/index.js": b"x" * number * 700 for number in range(40)},
            "root/.npm/_cacache/index": b"c" * 4_000_000,
            f"{WORK}/package-lock.json": b"{}\n" * 2000,
        },
        result="hit",
    )
    web = fake_layer(
        "web",
        {
            f"{WORK}/dist/main.js": b"(()=>{" + b"console.log(1);" * 60_000 + b"})()",
            f"{WORK}/dist/main.js.map": b'{"version":3}' * 9000,
            f"{WORK}/dist/index.html": b"<!doctype html>\n<title>web</title>\n",
            f"{WORK}/src/parse.go": _PARSE_CHANGED.encode(),
            f"{WORK}/package-lock.json": b"{}\n" * 2001,
            "root/.npm/_cacache/index": b"c" * 4_100_000,
            f"{WORK}/README.md": b"# The project\n\nIt parses lines.\n",
            f"{WORK}/notes \x1b[31mred\n.txt": b"a name to be careful with\n",
        },
        ["tmp", "usr/share/doc/bash"],
        modes={f"{WORK}/README.md": 0o600},
    )
    return base, code, deps, web


def fill(files: FakeFiles) -> None:
    """Two tasks of the run, and what is wasted by the first."""
    base, code, deps, web = layers()
    files.add(PLACE, base, code, deps, web, title="web")
    files.add(OTHER, base, code, deps, title="web-unit", own=False)
    files.wastes[PLACE] = Waste(
        score=0.9012,
        bytes=8_112_003,
        user_bytes=14_000_000,
        count=3,
        paths=(
            WastedPath(
                path="root/.npm/_cacache/index",
                bytes=8_100_000,
                count=2,
                layers=(2, 3),
                advice="a cache of npm: set `npm_config_cache` to a place in `/tmp`, or filter"
                " `root/.npm` out of the outputs of `web-deps` and `web`",
            ),
            WastedPath(path=f"{WORK}/package-lock.json", bytes=12_003, count=2, layers=(2, 3), advice=""),
            WastedPath(
                path="usr/share/doc/bash", bytes=1600, count=1, layers=(0,), advice="removed by `web`"
            ),
        ),
        by_layer=((2, 4_000_000), (3, 4_112_003)),
    )
    files.given_choices = [
        PlaceChoice(place=OTHER, title="web-unit", detail="of this run, ok"),
        PlaceChoice(place=f"task:{'4' * 32}/web", title="web", detail="run 0042, 3m ago, ok"),
        PlaceChoice(place="image:5f2c", title="registry/app:1.4", detail="docker archive, 212M"),
    ]


def engine() -> StoryEngine:
    """The engine of the story, with files."""
    found = StoryEngine()
    fill(found.files)
    return found
