"""The finds, in an SQLite database."""

import sqlite3
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Find:
    """One stone: where it was found and how much it weighs, in grams."""

    name: str
    place: str
    grams: int

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.place.strip():
            raise ValueError("a find needs a name and a place")
        if self.grams <= 0:
            raise ValueError("a find weighs more than nothing")


class Finds:
    """All finds, in the order in which they were added."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("create table if not exists finds (name text, place text, grams integer)")

    def add(self, find: Find) -> None:
        with self._connection:
            self._connection.execute("insert into finds values (:name, :place, :grams)", asdict(find))

    def all(self) -> list[Find]:
        rows = self._connection.execute("select name, place, grams from finds order by rowid")
        return [Find(*row) for row in rows]
