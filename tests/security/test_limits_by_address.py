"""No client gets more than an address may have, whatever it writes into a request: tried on a server's sockets."""

from collections.abc import Callable, Iterator
from itertools import count, cycle, islice

import pytest
from redis import Redis

from e2e.test_journey import served
from figures import told
from parkingspots.settings import Settings
from security.wires import Client, Headers, client_at, forwarded

LIMIT = 40
PROXY, OTHER_PROXY, UNKNOWN_PROXY = "127.9.0.1", "127.9.0.2", "127.8.0.1"
LIST = "/api/v1/parking-spots/"
CHEAP = "/"
numbers = count(1)


@pytest.fixture(scope="module")
def url(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that listens on both versions of IP, as in a pod; addresses in 127.9.0.0/16 are its proxies'."""
    with Redis.from_url(settings.cache_url) as valkey:
        valkey.flushdb()
    small = {"rate_limits_enabled": True, "rate_limit_requests": f"{LIMIT} per hour"}
    log = tmp_path_factory.mktemp("limits") / "server.log"
    trusted = {"TRUSTED_PROXIES": "127.9.0.0/16,10.0.0.0/8,fd00::/8"}
    with served(settings.model_copy(update=small), log, "--host", "::", **trusted) as (url, _):
        yield url


@pytest.fixture
def address() -> str:
    """One that nobody has asked from."""
    return f"127.1.0.{next(numbers)}"


@pytest.fixture
def far() -> str:
    """One that a proxy may speak for, and of which nobody has heard."""
    return f"203.0.113.{next(numbers)}"


@pytest.fixture
def proxy(url: str) -> Iterator[Client]:
    with client_at(PROXY, url) as proxy:
        yield proxy


def spent(client: Client, requests: Iterator[tuple[str, str, Headers]]) -> list[bool]:
    """Of LIMIT requests and one more, which were refused."""
    return [client.status(*request) == 429 for request in islice(requests, LIMIT + 1)]


AT_THE_END = [False] * LIMIT + [True]


def test_each_address_has_as_much_as_the_limit_says(url: str, address: str) -> None:
    with client_at(address, url) as client, client_at("127.2.0.1", url) as neighbour:
        assert spent(client, cycle([("GET", CHEAP, ())])) == AT_THE_END
        assert neighbour.status("GET", CHEAP) == 200


def test_a_new_connection_for_each_request_is_the_same_client(url: str, address: str) -> None:
    statuses = []
    for _ in range(LIMIT + 1):
        with client_at(address, url) as client:
            statuses.append(client.status("GET", CHEAP))
    assert statuses == [200] * LIMIT + [429]


WAYS = [
    ("HEAD", CHEAP),
    ("OPTIONS", CHEAP),
    ("TRACE", CHEAP),
    ("DELETE", LIST),
    ("PROPFIND", LIST),
    ("GET", LIST),
    ("GET", LIST.removesuffix("/")),
    ("GET", f"{LIST}/"),
    ("GET", f"/{LIST}"),
    ("GET", f"{LIST}?"),
    ("GET", f"{LIST}?city=Athens&x=1"),
    ("GET", f"{LIST};a="),
    ("GET", "/API/V1/Parking-Spots/"),
    ("GET", "/api/v1/%70arking-spots/"),
    ("GET", "/api/v1/../v1/parking-spots"),
    ("GET", "/api/v1/nothing-here"),
    ("GET", "/no/such/path"),
    ("GET", "/docs"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/Livez"),
    ("GET", "/livez/more"),
    ("GET", "/livez%2F..%2Fapi"),
    ("GET", "/livez/../api/v1/parking-spots/"),
    ("GET", "/metrics/../api/v1/parking-spots/"),
    ("POST", "/api/v1/payments/webhook/more"),
    ("POST", "/api/v1/payments/confirm-payment"),
    ("POST", "/api/v1/payments/Webhook"),
]


def test_every_method_and_every_spelling_of_a_path_count_alike(url: str, address: str) -> None:
    with client_at(address, url) as client:
        assert spent(client, cycle((method, path, ()) for method, path in WAYS)) == AT_THE_END
        assert {client.status(method, path) for method, path in WAYS} == {429}


def test_what_watches_over_the_service_and_stripes_webhook_are_not_refused(url: str, address: str) -> None:
    with client_at(address, url) as client:
        spent(client, cycle([("GET", CHEAP, ())]))
        assert {client.status("GET", path) for path in ("/livez", "/readyz", "/health", "/metrics")} == {200}
        assert client.status("POST", "/api/v1/payments/webhook") == 404  # there is no secret, and so no webhook


def test_answers_that_are_at_hand_are_limited_by_address_too(url: str, address: str) -> None:
    with client_at(address, url) as client, client_at("127.2.0.2", url) as neighbour:
        before = _hits(client)
        assert spent(client, cycle([("GET", LIST, forwarded("203.0.113.250"))])) == AT_THE_END
        assert _hits(client) - before >= LIMIT - 5
        assert neighbour.status("GET", LIST) == 200
        assert client.status("HEAD", LIST) == 429


def _hits(client: Client) -> float:
    return told(client.ask("GET", "/metrics")[1]).value("parkingspots_reads_total", route="list_spots", outcome="hit")


CLAIMS: dict[str, Callable[[int], Headers]] = {
    "X-Forwarded-For": lambda number: forwarded(f"203.0.113.{number}"),
    "two of them": lambda number: forwarded(f"203.0.113.{number}", f"198.51.100.{number}"),
    "a proxy's": lambda number: forwarded(f"203.0.113.{number}, 127.9.0.1"),
    "Forwarded": lambda number: [("Forwarded", f"for=203.0.113.{number};proto=https")],
    "X-Real-IP": lambda number: [("X-Real-IP", f"203.0.113.{number}")],
    "others": lambda number: [
        (name, f"203.0.113.{number}")
        for name in ("True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Client-IP")
    ],
    "the host's": lambda number: [("X-Forwarded-Host", f"203.0.113.{number}")],
}


@pytest.mark.parametrize("source", ["nobody's", "a proxy's that is not trusted"])
def test_nobody_chooses_an_address_by_a_header(url: str, address: str, source: str) -> None:
    claims = (("GET", LIST, claim(number)) for number in count(1) for claim in CLAIMS.values())
    with client_at(address if source == "nobody's" else UNKNOWN_PROXY, url) as client:
        assert spent(client, claims) == AT_THE_END


@pytest.mark.parametrize(
    "name", [name for name in CLAIMS if name not in {"X-Forwarded-For", "two of them", "a proxy's"}]
)
def test_of_a_trusted_proxy_no_other_header_is_believed(proxy: Client, far: str, name: str) -> None:
    claims = (("GET", CHEAP, [*forwarded(far), *CLAIMS[name](number)]) for number in count(1))
    assert spent(proxy, claims) == AT_THE_END


def test_a_trusted_proxy_speaks_for_each_of_its_clients(proxy: Client, far: str) -> None:
    assert spent(proxy, cycle([("GET", CHEAP, forwarded(far))])) == AT_THE_END
    assert proxy.status("GET", CHEAP, forwarded("192.0.2.1")) == 200


def test_one_client_behind_two_proxies_is_one(url: str, proxy: Client, far: str) -> None:
    spent(proxy, cycle([("GET", CHEAP, forwarded(far))]))
    with client_at(OTHER_PROXY, url) as other:
        assert other.status("GET", CHEAP, forwarded(far)) == 429


def _written_by(far: str) -> Iterator[Headers]:
    """What a trusted proxy may send for a client at `far`: what stands before the client's address is made up."""
    for number in count(1):
        made_up = f"198.51.100.{number % 250}"
        yield forwarded(far)
        yield forwarded(f"{made_up}, {far}")
        yield forwarded(f"{made_up},{far} , 10.1.2.3")
        yield forwarded(f"10.0.0.{number % 250}, {far}, 10.1.2.3, 127.9.0.2")
        yield forwarded(made_up, far)
        yield forwarded(made_up, f"{far}, fd00::1")
        yield forwarded(f"{made_up}, ::ffff:{far}, ::ffff:10.1.2.3")
        yield forwarded(", ".join([made_up] * 500 + [far] + ["10.0.0.1"] * 30))
        yield forwarded(f"{far}:{40_000 + number}")
        yield forwarded(f"junk, \xff, [::1, 127.0.0.1, 999.1.1.1, {far}")
        yield forwarded(f'"{made_up}", unknown, _hidden, {far}')
        yield forwarded(f"127.0.0.1, ::1, localhost, {far}")


def test_what_a_client_writes_before_its_address_counts_for_nothing(proxy: Client, far: str) -> None:
    requests = (("GET", LIST if number % 2 else CHEAP, headers) for number, headers in enumerate(_written_by(far)))
    assert spent(proxy, requests) == AT_THE_END


def test_a_subscriber_of_ipv6_is_one_client_however_the_address_is_written(proxy: Client) -> None:
    def written(number: int) -> Iterator[str]:
        yield f"2001:db8:7:1::{number:x}"
        yield f"2001:0DB8:0007:0001:{number:x}:0:0:1"
        yield f"[2001:db8:7:1:ffff::{number:x}]:{50_000 + number}"
        yield f"2001:db8:9:9::1, 2001:db8:7:1::{number:x}, fd00::{number:x}"

    claims = (("GET", CHEAP, forwarded(each)) for number in count(1) for each in written(number))
    assert spent(proxy, claims) == AT_THE_END
    assert proxy.status("GET", CHEAP, forwarded("2001:db8:7:2::1")) == 200


def test_what_names_nobody_counts_as_the_proxys_own(url: str) -> None:
    with client_at("127.9.0.77", url) as proxy:
        empty = cycle([("GET", CHEAP, forwarded(value)) for value in ("", " ", ",", " , ,")] + [("GET", CHEAP, ())])
        assert spent(proxy, empty) == AT_THE_END


@pytest.mark.parametrize(("proxies", "is_warned_of"), [("0.0.0.0/0", True), ("10.0.0.0/8,::/0", True), ("::1", False)])
def test_trusting_everybody_is_warned_of(proxies: str, is_warned_of: bool) -> None:
    warnings = Settings(_env_file=None, trusted_proxies=proxies.split(",")).warnings()
    assert any("TRUSTED_PROXIES has everybody in it" in each for each in warnings) is is_warned_of
