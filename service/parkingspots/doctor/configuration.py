"""Settings and secrets: whether they can be read, and whether they are meant as they are."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group, of_settings
from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.world import World
from parkingspots.settings import DEFAULT_SECRET_KEY, LEAST_SECRET_LENGTH, Environment, Settings

FEWEST_CHARACTERS = 10
"""Different ones in a random key: one of 32 hexadecimal digits has nearly always more."""
LEAST_PASSWORD_LENGTH = 12
EXAMPLE = re.compile(
    r"change.?me|example|your.?(secret|key|password)|pass.?word|secret.?key|12345|qwerty", re.IGNORECASE
)
PUBLIC_PASSWORDS = frozenset({"parkingspots", "postgres", "password", "admin", "changeme"})
DEFAULT_SENDER = "parkingspots.example"


def of_key(name: str, key: str, environment: Environment) -> Finding:
    """Of a key that signs tokens."""
    mend = f"{mending.SECRET}    # {name}"
    is_development = environment is Environment.DEVELOPMENT
    if key == DEFAULT_SECRET_KEY:
        if is_development:
            return ok(f"{name} is the default one, which is for development only.")
        return fail(f"{name} is the default one, which everybody knows: anybody could sign in as anybody.", mend)
    weak = _weakness(key)
    if weak is None:
        return ok(f"{name} has {len(key)} characters and looks random.")
    return (warn if is_development else fail)(f"{name} {weak}: tokens signed with it can be forged.", mend)


def _weakness(key: str) -> str | None:
    if len(key) < LEAST_SECRET_LENGTH:
        return f"has {len(key)} characters, {LEAST_SECRET_LENGTH} are the least"
    if len(set(key)) < FEWEST_CHARACTERS:
        return "repeats few characters"
    if EXAMPLE.search(key):
        return "looks like an example"
    return None


def of_password(what: str, password: str | None, environment: Environment, mend: str) -> Finding:
    """Of the database or the cache; how good it has to be is the environment's matter."""
    if environment is Environment.DEVELOPMENT:
        return ok(f"In development any password of the {what} will do.")
    complain = fail if environment is Environment.PRODUCTION else warn
    if password is None:
        return ok(f"No password of the {what} is set: whoever gets in does so by certificate or by the network.")
    if password.lower() in PUBLIC_PASSWORDS or EXAMPLE.search(password):
        return complain(f"The password of the {what} is a default or an example.", mend)
    if len(password) < LEAST_PASSWORD_LENGTH:
        return warn(f"The password of the {what} has fewer than {LEAST_PASSWORD_LENGTH} characters.", mend)
    return ok(f"The password of the {what} is no default.")


def of_links(web_url: str, environment: Environment) -> Finding:
    """Letters lead there."""
    parts = urlsplit(web_url)
    mend = mending.setting("WEB_URL", "https://www.your-site.com")
    if environment is Environment.DEVELOPMENT:
        return ok(f"Links in letters lead to {web_url}.")
    if parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return warn(f"Links in letters lead to {web_url}, which is each reader's own machine.", mend)
    if parts.scheme != "https" and environment is Environment.PRODUCTION:
        return warn(f"Links in letters lead to {web_url}, and passwords are reset there without encryption.", mend)
    return ok(f"Links in letters lead to {web_url}.")


def of_proxies(proxies: list[str], environment: Environment) -> Finding:
    if proxies or environment is not Environment.PRODUCTION:
        return ok(f"Trusted proxies: {', '.join(proxies) or 'none'}.")
    return warn(
        "No proxy is trusted: behind an Ingress all clients share one rate limit.",
        mending.setting("TRUSTED_PROXIES", "10.0.0.0/8"),
    )


async def _readable(world: World) -> Finding:
    if world.reading.objection is not None:
        return fail(f"The product does not start: {world.reading.objection.rstrip('.')}.", mending.SETTINGS)
    source = ", on the servers of make dev" if world.reading.is_of_dev else ""
    return ok(f"Everything can be read; ENVIRONMENT is {world.environment}{source}.")


def of_warnings(settings: Settings) -> Finding:
    """What each start warns of."""
    if found := settings.warnings():
        return warn(" ".join(found), mending.SETTINGS)
    return ok("A start has nothing to warn of.")


def _key(settings: Settings) -> Finding:
    return of_key("SECRET_KEY", settings.secret_key.get_secret_value(), settings.environment)


def _previous_key(settings: Settings) -> Finding:
    previous = settings.secret_key_previous
    if previous is None:
        return ok("SECRET_KEY_PREVIOUS is not set: no key is being replaced.")
    if previous == settings.secret_key:
        return warn("SECRET_KEY_PREVIOUS is the same as SECRET_KEY: nothing is replaced.", mending.SETTINGS)
    return of_key("SECRET_KEY_PREVIOUS", previous.get_secret_value(), settings.environment)


def _database_password(settings: Settings) -> Finding:
    url = settings.sqlalchemy_url
    password = url.password and str(url.password)
    return of_password("database", password, settings.environment, mending.new_password(url))


def _cache_password(settings: Settings) -> Finding:
    parts = urlsplit(settings.cache_url)
    behind = parse_qs(parts.query).get("password", [None])[0]  # the client takes it from there where there is no other
    password = unquote(parts.password) if parts.password else behind
    return of_password("cache", password, settings.environment, mending.setting("REDIS_PASSWORD", "…"))


def _links(settings: Settings) -> Finding:
    return of_links(settings.web_url, settings.environment)


def _sender(settings: Settings) -> Finding:
    if settings.smtp_url is not None and DEFAULT_SENDER in settings.mail_from:
        mend = mending.setting("MAIL_FROM", "'ParkingSpots <no-reply@your-site.com>'")
        return warn("Letters come from the example's address, which no server accepts for long.", mend)
    return ok("The sender of letters is no example, or none are sent.")


def _proxies(settings: Settings) -> Finding:
    return of_proxies(settings.trusted_proxies, settings.environment)


GROUP = Group(
    "settings",
    (
        Check("readable", _readable),
        Check("warnings", of_settings(of_warnings)),
        Check("secret-key", of_settings(_key)),
        Check("previous-key", of_settings(_previous_key)),
        Check("database-password", of_settings(_database_password)),
        Check("cache-password", of_settings(_cache_password)),
        Check("links", of_settings(_links)),
        Check("sender", of_settings(_sender)),
        Check("proxies", of_settings(_proxies)),
    ),
)
