"""The rules behind the advice: no server is asked."""

import secrets
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy.engine import URL

from chart.rendering import CHART
from doctor.examined import says
from parkingspots.doctor import configuration, connections, database, machine, sessions
from parkingspots.doctor import server as rules
from parkingspots.doctor.database import Extension
from parkingspots.doctor.finding import Finding, State
from parkingspots.doctor.server import GB, MB, Server
from parkingspots.settings import DEFAULT_SECRET_KEY, Environment, Settings

Setting = Mapping[str, float | str]
NOTHING: Setting = {}
URL_OF_IT = URL.create("postgresql", "app", None, "db.example.com", 5433, "spots")
GOOD_NUMBERS = {
    "shared_buffers": 2 * GB,
    "effective_cache_size": 6 * GB,
    "work_mem": 8 * MB,
    "max_connections": 200.0,
    "random_page_cost": 1.1,
    "min_wal_size": 1.0 * GB,
    "max_wal_size": 4.0 * GB,
    "checkpoint_timeout": 300.0,
    "frozen": 1000.0,
}
GOOD_WORDS = {
    "fsync": "on",
    "full_page_writes": "on",
    "wal_compression": "pglz",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "track_counts": "on",
}
RULES = (
    rules.of_shared_buffers,
    rules.of_effective_cache_size,
    rules.of_work_mem,
    rules.of_random_page_cost,
    rules.of_checkpoints,
    rules.of_wal,
    rules.of_commit,
    rules.of_autovacuum,
    rules.of_restart,
)


def a_server(other: Setting = NOTHING, *, is_production: bool = True, pending: tuple[str, ...] = ()) -> Server:
    words = GOOD_WORDS | {name: value for name, value in other.items() if isinstance(value, str)}
    numbers = GOOD_NUMBERS | {name: value for name, value in other.items() if not isinstance(value, str)}
    return Server(URL_OF_IT, is_production, numbers, words, pending)


def the_worst(server: Server) -> Finding:
    """Of what all rules say there is one that is no praise."""
    (found,) = [finding for rule in RULES if (finding := rule(server)).state is not State.OK]
    return found


def test_a_server_as_it_should_be_gets_no_advice() -> None:
    assert {rule(a_server()).state for rule in RULES} == {State.OK}


@pytest.mark.parametrize(
    ("setting", "word", "mend"),
    [
        ({"shared_buffers": 128 * MB}, "128MB, PostgreSQL's default", "shared_buffers"),
        ({"shared_buffers": 16 * MB}, "less than PostgreSQL's own default", "restart the server"),
        ({"effective_cache_size": 1 * GB, "work_mem": 4 * MB}, "less than shared_buffers", "= '6GB'"),
        ({"work_mem": 1 * MB}, "would go to disk", "work_mem = '4MB'"),
        ({"work_mem": 64 * MB}, "all connections together", "work_mem = '4MB'"),
        ({"random_page_cost": 4.0}, "spinning disks", "random_page_cost = '1.1'"),
        ({"max_wal_size": 1.0 * GB}, "max_wal_size is 1GB", "max_wal_size = '2GB'"),
        ({"min_wal_size": 80.0 * MB}, "min_wal_size is 80MB", "min_wal_size = '512MB'"),
        ({"checkpoint_timeout": 30.0}, "30 s", "checkpoint_timeout = '5min'"),
        ({"wal_compression": "off"}, "wal_compression is off", "wal_compression = 'pglz'"),
    ],
)
def test_what_costs_time_is_a_warning_in_production_and_nothing_elsewhere(
    setting: Setting, word: str, mend: str
) -> None:
    assert says(the_worst(a_server(setting)), State.WARN, word, mend=mend)
    elsewhere = {rule(a_server(setting, is_production=False)).state for rule in RULES}
    assert elsewhere == ({State.OK, State.WARN} if setting == {"shared_buffers": 16 * MB} else {State.OK})


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_what_loses_data_fails_in_production_and_is_a_warning_elsewhere(name: str) -> None:
    assert says(the_worst(a_server({name: "off"})), State.FAIL, name, mend=f"SET {name} = ")
    assert the_worst(a_server({name: "off"}, is_production=False)).state is State.WARN


@pytest.mark.parametrize("name", ["autovacuum", "track_counts"])
def test_a_server_that_never_cleans_up_fails_everywhere(name: str) -> None:
    assert says(the_worst(a_server({name: "off"}, is_production=False)), State.FAIL, mend=f"{name} = ")


def test_old_transactions_that_wait_to_be_frozen_are_told() -> None:
    assert says(the_worst(a_server({"frozen": 1.5e9})), State.WARN, "1,500,000,000", mend="VACUUM (FREEZE")


def test_a_change_that_waits_for_a_restart_is_told() -> None:
    assert says(the_worst(a_server(pending=("max_connections",))), State.WARN, "max_connections", mend="restart")


def test_a_command_can_be_pasted_and_leads_to_the_server() -> None:
    mend = the_worst(a_server({"random_page_cost": 4.0})).mend
    assert mend == (
        "psql -h db.example.com -p 5433 -U postgres -d spots"
        """ -c "ALTER SYSTEM SET random_page_cost = '1.1'" -c 'SELECT pg_reload_conf()'"""
    )


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 12), State.FAIL), ((3, 11, 0), State.OK), ((3, 14, 1), State.OK)]
)
def test_an_old_python_fails(version: tuple[int, int, int], state: State) -> None:
    assert machine.of_python(version).state is state


@pytest.mark.parametrize("environment", [Environment.EVALUATION, Environment.PRODUCTION])
@pytest.mark.parametrize(
    "key",
    [
        DEFAULT_SECRET_KEY,
        "much too short",
        "abababababababababababababababababababab",
        "please-change-me-0f9a8b7c6d5e4f3a2b1c",
        "your-secret-key-of-at-least-32-characters",
    ],
)
def test_a_key_that_can_be_guessed_fails_with_the_command_that_makes_one(key: str, environment: Environment) -> None:
    found = configuration.of_key("SECRET_KEY", key, environment)
    assert says(found, State.FAIL, "SECRET_KEY", mend="secrets.token_urlsafe(48)")
    assert key not in str(found)


@pytest.mark.parametrize("make", [secrets.token_urlsafe, secrets.token_hex])
def test_a_random_key_is_no_example(make: Callable[[int], str]) -> None:
    assert {configuration.of_key("SECRET_KEY", make(48), Environment.PRODUCTION).state for _ in range(50)} == {State.OK}


def test_the_default_key_will_do_in_development_alone() -> None:
    assert configuration.of_key("SECRET_KEY", DEFAULT_SECRET_KEY, Environment.DEVELOPMENT).state is State.OK


@pytest.mark.parametrize(
    ("password", "environment", "state"),
    [
        ("parkingspots", Environment.PRODUCTION, State.FAIL),
        ("parkingspots", Environment.EVALUATION, State.WARN),
        ("parkingspots", Environment.DEVELOPMENT, State.OK),
        ("x7!kq", Environment.PRODUCTION, State.WARN),
        ("f3b1c0a9e8d7f6a5", Environment.PRODUCTION, State.OK),
        (None, Environment.PRODUCTION, State.OK),
    ],
)
def test_a_password_has_to_be_as_good_as_the_environment_wants(
    password: str | None, environment: Environment, state: State
) -> None:
    assert configuration.of_password("database", password, environment, "mend").state is state


@pytest.mark.parametrize(
    ("url", "environment", "state"),
    [
        ("http://127.0.0.1:3000", Environment.DEVELOPMENT, State.OK),
        ("http://127.0.0.1:3000", Environment.EVALUATION, State.WARN),
        ("http://parking.example.com", Environment.PRODUCTION, State.WARN),
        ("https://parking.example.com", Environment.PRODUCTION, State.OK),
    ],
)
def test_links_in_letters_have_to_lead_to_the_site(url: str, environment: Environment, state: State) -> None:
    assert configuration.of_links(url, environment).state is state


def test_without_a_trusted_proxy_production_is_warned() -> None:
    assert configuration.of_proxies([], Environment.PRODUCTION).state is State.WARN
    assert configuration.of_proxies(["10.0.0.0/8"], Environment.PRODUCTION).state is State.OK


def test_connections_are_counted_as_the_chart_counts_them() -> None:
    counted = (CHART / "templates" / "_validate.tpl").read_text()
    assert "add (mul 2 .Values.api.databasePoolSize) 2" in counted
    assert f'"parkingspots.otherConnections" -}}}}{connections.OF_OTHERS}{{{{' in counted
    assert connections.of_process(Settings(_env_file=None, database_pool_size=7)) == 16
    assert connections.of_process(Settings(_env_file=None, database_pool_size=7, enable_background_tasks=True)) == 18


def test_a_database_with_nearly_no_connection_left_is_told() -> None:
    assert says(connections.of_use(URL_OF_IT, 95, 100), State.WARN, "95 of 100", mend="pg_stat_activity")
    assert connections.of_use(URL_OF_IT, 20, 100).state is State.OK


def test_a_pooler_that_forgets_statements_fails() -> None:
    found = sessions.of_pooler(is_there=True, keeps_statements=False)
    assert says(found, State.FAIL, "prepared statements", mend="max_prepared_statements")
    assert sessions.of_pooler(is_there=True, keeps_statements=True).state is State.OK


def test_time_outs_that_a_pooler_dropped_are_given_to_the_role() -> None:
    found = sessions.of_session(URL_OF_IT, {"jit": "off", "lock_timeout": "3000"}, {"jit": "off", "lock_timeout": "0"})
    assert says(found, State.WARN, "lock_timeout (0)", mend="SET lock_timeout = '3000'")


def test_where_no_database_was_ever_named_the_developers_own_is_offered() -> None:
    url = Settings(_env_file=None).sqlalchemy_url
    assert says(database.of_reach(url, 0.0, OSError("refused")), State.FAIL, "refused", mend="make dev")
    assert says(database.of_reach(URL_OF_IT, 0.0, OSError("refused")), State.FAIL, mend="pg_isready -h db.example.com")


def test_a_pooler_that_takes_no_parameters_is_told_to_ignore_them() -> None:
    trouble = OSError("unsupported startup parameter: jit")
    assert says(database.of_reach(URL_OF_IT, 0.0, trouble), State.FAIL, mend="ignore_startup_parameters = TimeZone")


def test_an_older_server_than_the_migrations_need_fails() -> None:
    assert says(database.of_version(170_006), State.FAIL, "17.6 is too old", "18 or newer")
    assert database.of_version(180_001).state is State.OK


def test_what_the_server_does_not_have_cannot_be_installed() -> None:
    missing = [Extension("cube", is_installed=False, is_available=False)]
    found = database.of_extensions(URL_OF_IT, missing, may_create=True, is_empty=True)
    assert says(found, State.FAIL, "does not have the extension cube", mend="postgresql-contrib")
    missing = [Extension("cube", is_installed=False, is_available=True)]
    found = database.of_extensions(URL_OF_IT, missing, may_create=False, is_empty=True)
    assert says(found, State.FAIL, "may not install it", mend="GRANT CREATE ON DATABASE")
