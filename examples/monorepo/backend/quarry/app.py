"""The HTTP interface: `/api/finds`, and the built front end beside it."""

import os
from dataclasses import asdict

from flask import Flask, Response, jsonify, request

from quarry.finds import Find, Finds


def create_app(finds: Finds, static_folder: str | None = None) -> Flask:
    app = Flask(__name__, static_folder=static_folder, static_url_path="/")

    @app.get("/api/finds")
    def list_finds() -> Response:
        return jsonify([asdict(find) for find in finds.all()])

    @app.post("/api/finds")
    def add_find() -> tuple[Response, int]:
        try:
            find = Find(**request.get_json())
        except (TypeError, ValueError) as error:
            return jsonify(error=str(error)), 400
        finds.add(find)
        return jsonify(asdict(find)), 201

    return app


def main() -> Flask:
    """For `waitress-serve --call quarry.app:main`."""
    return create_app(Finds(os.environ.get("FINDS", ":memory:")), os.environ.get("STATIC"))
