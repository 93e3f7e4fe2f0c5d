"""Commands to paste into a shell. None has a secret in it."""

import re
import shlex

from sqlalchemy.engine import URL

SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - makes one
SETTINGS = "$EDITOR .env    # or the environment; .env.example has every setting"
MIGRATE = "parkingspots migrate upgrade"


def setting(name: str, value: str) -> str:
    """The line of `.env`, or of the environment."""
    return f"{name}={value}    # in .env or the environment"


def psql(url: URL, statement: str, user: str | None = "postgres") -> str:
    """Run `statement` in the database of `url`: as the superuser, or where `user` is None as the product's role."""
    where = ["-h", url.host or "", "-p", str(url.port or 5432), "-U", user or url.username or ""]
    return f"{shlex.join(['psql', *where, '-d', url.database or ''])} -c {quoted(statement)}"


def new_password(url: URL) -> str:
    """Give the product's role another one, which psql asks for."""
    return psql(url, f"\\password {identifier(url.username or '')}")


def quoted(text: str) -> str:
    """For a shell, and still to be read: SQL is full of single quotes. Within double ones, a terminal's ! would act."""
    if "'" not in text or "!" in text:
        return shlex.quote(text)
    return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'


def identifier(name: str) -> str:
    """A name within a statement: whoever makes a table or a role chooses it, and whoever pastes it may do anything."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A value within a statement."""
    return "'" + value.replace("'", "''") + "'"


def server_setting(url: URL, name: str, value: str, *, restart: bool = False) -> str:
    """Change a setting of the server, for good."""
    change = psql(url, f"ALTER SYSTEM SET {name} = {literal(value)}")
    return f"{change}    # then restart the server" if restart else f"{change} -c 'SELECT pg_reload_conf()'"


def valkey_cli(host: str, port: int, *words: str) -> str:
    return shlex.join(["valkey-cli", "-h", host, "-p", str(port), *words])
