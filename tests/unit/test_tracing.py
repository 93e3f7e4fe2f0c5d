"""What is traced, before anything is sent: wishes, and what a statement is called."""

import pytest

from parkingspots.kit.tracing.summaries import summary
from parkingspots.kit.tracing.wishes import Wish, wished

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id FROM bookings WHERE id = $1", "SELECT bookings"),
        ("INSERT INTO bookings (id) VALUES ($1) ON CONFLICT DO UPDATE SET id = 1", "INSERT bookings"),
        ("INSERT INTO a (x) SELECT y FROM b", "INSERT a SELECT b"),
        ("UPDATE spots SET title = 'FROM secrets' WHERE id = $1", "UPDATE spots"),
        ("DELETE FROM bookings USING spots WHERE spots.id = spot_id", "DELETE bookings spots"),
        ("SELECT 1 FROM spots AS s JOIN users u ON u.id = s.owner_id FOR NO KEY UPDATE OF s", "SELECT spots users"),
        ("SELECT 1 FROM bookings FOR UPDATE SKIP LOCKED", "SELECT bookings"),
        ("SELECT EXTRACT(dow FROM moment) FROM spots WHERE a IS DISTINCT FROM b", "SELECT spots"),
        ("SELECT x FROM unnest($1) AS y CROSS JOIN LATERAL (SELECT 1 FROM reviews) AS z", "SELECT reviews"),
        (
            "WITH d AS MATERIALIZED (SELECT id FROM bookings), m AS (UPDATE bookings SET a = 1 FROM d) SELECT 1 FROM m",
            "SELECT bookings UPDATE bookings",
        ),
        ('SELECT 1 FROM "users" -- FROM comments', "SELECT users"),
        ("SELECT set_config('a', 'olga@example.com', true)", "SELECT"),
        ("BEGIN;", "BEGIN"),
        ("SET LOCAL synchronous_commit TO off", "SET"),
        (";", "SQL"),
    ],
)
def test_a_statement_is_called_by_what_it_does_to_which_tables(query: str, said: str) -> None:
    assert summary(query) == said


def test_a_long_statement_names_its_first_tables() -> None:
    assert summary(f"SELECT 1 FROM {' JOIN '.join(f't{number}' for number in range(50))}").count(" t") == 6


@pytest.mark.parametrize(
    ("environ", "exporters"),
    [
        ({}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ()),
        (HERE, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp")),
        (HERE | {"OTEL_TRACES_EXPORTER": "none"}, ()),
        (HERE | {"OTEL_SDK_DISABLED": "True"}, ()),
        (HERE | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ("otlp",)),
        ({"OTEL_SERVICE_NAME": "parking"}, ()),
    ],
)
def test_the_standard_variables_say_where_traces_go(environ: dict[str, str], exporters: tuple[str, ...]) -> None:
    assert wished(environ) == Wish(exporters)


@pytest.mark.parametrize(
    ("environ", "objection"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER has zipkin: use otlp, console or none."),
        (
            HERE | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: use http/protobuf (port 4318).",
        ),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(environ: dict[str, str], objection: str) -> None:
    assert wished(environ) == Wish(objection=objection)
