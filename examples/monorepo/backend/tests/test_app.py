import pytest
from flask.testing import FlaskClient

from quarry.app import create_app
from quarry.finds import Finds


@pytest.fixture
def client() -> FlaskClient:
    return create_app(Finds(":memory:")).test_client()


def test_there_are_no_finds_at_first(client: FlaskClient) -> None:
    assert client.get("/api/finds").json == []


def test_what_was_added_is_listed(client: FlaskClient) -> None:
    find = {"name": "ammonite", "place": "Lyme Regis", "grams": 240}
    assert client.post("/api/finds", json=find).status_code == 201
    assert client.get("/api/finds").json == [find]


@pytest.mark.parametrize("wrong", [{"grams": 0}, {"name": " "}, {"colour": "grey"}])
def test_a_find_that_makes_no_sense_is_refused(client: FlaskClient, wrong: dict[str, object]) -> None:
    find = {"name": "ammonite", "place": "Lyme Regis", "grams": 240} | wrong
    assert client.post("/api/finds", json=find).status_code == 400
    assert client.get("/api/finds").json == []
