"""Asks the running service what its users would ask: the page, its script, and finds that come and go."""

import json
import sys
import time
import urllib.error
import urllib.request

ADDRESS = sys.argv[1]


def get(path: str) -> bytes:
    with urllib.request.urlopen(ADDRESS + path) as response:
        return response.read()


def wait_until_it_listens() -> None:
    for _ in range(200):
        try:
            get("/api/finds")
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    sys.exit("the service does not answer")


wait_until_it_listens()
find = {"name": "trilobite", "place": "Dudley", "grams": 85}
request = urllib.request.Request(
    ADDRESS + "/api/finds", json.dumps(find).encode(), {"content-type": "application/json"}
)
with urllib.request.urlopen(request) as response:
    assert response.status == 201, response.status
assert json.loads(get("/api/finds")) == [find]
assert b'<script src="main.js">' in get("/index.html")
assert b"/api/finds" in get("/main.js")
print("page, script and finds are served")
