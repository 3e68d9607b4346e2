"""Airflow's Connections as URLs."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Connection
from dataops_dags.connections import url_of


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        (
            {
                "conn_type": "postgres",
                "host": "db",
                "login": "ann",
                "password": "p/:@ 한",
                "port": 5432,
                "schema": "shop",
                "extra": '{"sslmode": "require", "nested": {"a": 1}}',
            },
            "postgres://ann:p%2F%3A%40%20%ED%95%9C@db:5432/shop?sslmode=require",
        ),
        ({"conn_type": "mysql", "host": "db", "schema": "shop"}, "mysql://db/shop"),
        ({"conn_type": "postgres", "host": "::1", "port": 5432}, "postgres://[::1]:5432/"),
        ({"conn_type": "sqlite", "host": "/data/shop.db"}, "sqlite:////data/shop.db"),
        ({"conn_type": "http", "host": "https://a.example/v1"}, "https://a.example/v1"),
        ({"conn_type": "generic", "host": "slack://A/B/C"}, "slack://A/B/C"),
        (
            {
                "conn_type": "generic",
                "host": "mailtos://mail.example?to=a@b.example",
                "login": "ann",
                "password": "x y",
            },
            "mailtos://ann:x%20y@mail.example/?to=a@b.example",
        ),
        ({"conn_type": "http", "host": "a.example", "schema": "https"}, "https://a.example/"),
        (
            {"conn_type": "http", "host": "a.example", "port": 8080, "extra": '{"verify": false}'},
            "http://a.example:8080/",
        ),
    ],
)
def test_a_connection_is_a_url_whatever_is_in_its_fields(fields: dict[str, Any], url: str) -> None:
    """Airflow keeps a form; SQLAlchemy and HTTP want one line."""
    assert url_of(Connection(conn_id="shop", **fields)) == url
