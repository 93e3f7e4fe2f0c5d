"""`parkingspots`: serve, develop, migrate, seed and monitor, from one command line.

A command imports what it needs when it runs, so that the others start at once.
"""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from parkingspots.kit.commands import complaint, trouble, version_of

PROGRAM = "parkingspots"

app = typer.Typer(
    help="Find, book and rent out parking spots.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
migrate = typer.Typer(help="Bring the database to a revision, or say where it is.", no_args_is_help=True)
app.add_typer(migrate, name="migrate")
ledger = typer.Typer(help="What money came, went and is owed.", no_args_is_help=True)
app.add_typer(ledger, name="ledger")

cache = typer.Typer(help="Kept answers in Valkey or Redis.", no_args_is_help=True)
app.add_typer(cache, name="cache")

_complaint = partial(complaint, PROGRAM)
Port = Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen.")]


def main() -> None:
    """Run the command line; what can go wrong in daily use is one line and exit code 1."""
    try:
        app()
    except Exception as error:
        sentence = _known(error)
        if sentence is None:
            raise
        sys.exit(_complaint(sentence))


def _known(error: Exception) -> str | None:
    """The line that says what went wrong and what to do; None for what nobody expected."""
    from redis.exceptions import RedisError
    from sqlalchemy.exc import SQLAlchemyError

    from parkingspots.kit.migrating import MigrationError
    from parkingspots.settings import SettingsError

    if isinstance(error, SettingsError | MigrationError):
        return str(error)
    if isinstance(error, RedisError):
        return f"Valkey or Redis (REDIS_URL) refused or cannot be reached: {error}"
    if isinstance(error, SQLAlchemyError | OSError):
        return trouble(error)
    return None


def _say(sentence: str) -> None:
    Console(soft_wrap=True).print(escape(sentence), highlight=False)


@app.callback()
def options(version: Annotated[bool, version_of(PROGRAM)] = False) -> None:
    """Find, book and rent out parking spots."""


@app.command(epilog="Example: [bold]parkingspots serve --host 0.0.0.0 --port 8000 --workers 4[/bold]")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; in a container one.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the code changes.")] = False,
) -> None:
    """Serve the API."""
    from parkingspots import serving
    from parkingspots.settings import load

    settings = load()
    if settings.metrics_port is not None and (workers > 1 or settings.metrics_port == port):
        sys.exit(_complaint("METRICS_PORT is not --port, and is of one process: leave it out with --workers."))
    try:
        serving.try_to_listen(host, port)
    except OSError as error:
        sys.exit(_complaint(f"{host}:{port} cannot be listened on: {error.strerror}. Choose with --host and --port."))
    serving.run(settings, host, port, workers, reload=reload)


@app.command(epilog="Example: [bold]PORT=8001 parkingspots dev --reset[/bold]")
def dev(
    port: Port = 8000,
    reset: Annotated[bool, typer.Option("--reset", help="Throw the data under .run/ away first.")] = False,
) -> None:
    """Run the whole product on this machine, with a PostgreSQL and a Valkey of its own."""
    try:
        from parkingspots.dev import workbench
    except ModuleNotFoundError as error:
        sys.exit(_complaint(f"{error.name} is not installed. This is for a checkout: run `make dev` there."))
    sys.exit(workbench.run(port, reset))


@app.command(epilog="Example: [bold]parkingspots seed --spots 1000000 --bookings 10000000[/bold]")
def seed(
    spots: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many spots.")] = 2_000,
    bookings: Annotated[int, typer.Option(min=0, max=100_000_000, help="How many bookings.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
) -> None:
    """Fill an empty database with demo data."""
    from parkingspots.seed import command
    from parkingspots.settings import load

    command.run(load(), spots, bookings, seed)


@app.command("create-admin", epilog="Example: [bold]parkingspots create-admin maria@example.com --name Maria[/bold]")
def create_admin(
    email: Annotated[str, typer.Argument(help="Of a new account, or of one that is to become an admin's.")],
    name: Annotated[str, typer.Option(help="The full name, where the account is new.")] = "Administrator",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, where one is needed.")
    ] = False,
) -> None:
    """Make somebody an admin, with a new account where there is none.

    An account whose e-mail is verified keeps its password. Any other may be a stranger's: it gets a new one.
    """
    from parkingspots.accounts import create_admin
    from parkingspots.settings import load

    try:
        _say(create_admin.run(load(), email, name, password_stdin=password_stdin))
    except create_admin.Refused as refusal:
        _complaint(str(refusal))
        sys.exit(refusal.code)


@app.command(epilog="Example: [bold]parkingspots journey https://parking.example.com[/bold]")
def journey(
    url: Annotated[str, typer.Argument(help="Where the API is.")],
    host: Annotated[
        str | None, typer.Option(help="The name that a proxy knows it by, where URL is an address.")
    ] = None,
) -> None:
    """Go from registering to checking out, as clients do. Leaves an owner and a renter called Journey behind."""
    from parkingspots import journey

    try:
        journey.run(url, host)
    except journey.Detour as detour:
        sys.exit(_complaint(str(detour)))


@app.command(epilog="Example: [bold]parkingspots monitor --namespace shop --interval 5[/bold]")
def monitor(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[URL]…",
            help="Pages of metrics, by default what `make dev` serves. A name with several addresses is a pod each.",
            show_default=False,
        ),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Look at the API's pods there instead, through kubectl port-forward.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="The context of kubectl, with --namespace.")] = None,
    interval: Annotated[float, typer.Option(min=0.5, max=600, help="Seconds between two looks.")] = 2,
    once: Annotated[bool, typer.Option("--once", help="Look twice, an interval apart, write it down and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: write JSON, for scripts.")] = False,
) -> None:
    """Show how the API's processes do, live: requests, latency, errors, cache, pools, bookings, the minute job."""
    from parkingspots.monitor import command
    from parkingspots.monitor.targets import NoTarget

    if as_json and not once:
        sys.exit(_complaint("--json goes with --once."))
    try:
        where = command.discovery(urls or [], namespace, context)
        if once:
            command.look_once(where, interval, as_json=as_json)
        else:
            command.show(where, interval)
    except NoTarget as refusal:
        sys.exit(_complaint(str(refusal)))


@app.command(epilog="Example: [bold]parkingspots doctor --namespace parkingspots --online[/bold]")
def doctor(
    only: Annotated[
        list[str] | None, typer.Option(metavar="GROUP", help="Of all checks this group; may be given again.")
    ] = None,
    pods: Annotated[int | None, typer.Option(min=1, help="How many API processes there may be at a time.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Ask Stripe for the account and the webhook, too.")] = False,
    dev: Annotated[bool, typer.Option("--dev", help="Look at what `make dev` runs here, whatever .env says.")] = False,
    namespace: Annotated[str | None, typer.Option(help="Look at a cluster with kubectl, and from within.")] = None,
    release: Annotated[str | None, typer.Option(help="Which, where the namespace has several.")] = None,
    context: Annotated[str | None, typer.Option(help="kubectl's, where it is not the current one.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as failures.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at all that the product stands on, before and after a release. Exit code 1 where something fails."""
    from parkingspots.doctor import command, readings, registry
    from parkingspots.doctor.world import Options

    if strange := set(only or ()) - set(registry.NAMES):
        raise typer.BadParameter(f"there is no {', '.join(sorted(strange))}. There are: {', '.join(registry.NAMES)}.")
    options = Options(pods, online, namespace, release, context)
    try:
        sys.exit(command.run(options, only or (), dev=dev, as_json=as_json, strict=strict))
    except readings.NoDev as error:
        sys.exit(_complaint(str(error)))
    except command.Misfit as error:
        _complaint(str(error))
        raise typer.Exit(2) from None


@app.command(epilog="Example: [bold]parkingspots openapi > docs/openapi.json[/bold]")
def openapi() -> None:
    """Print the OpenAPI document."""
    from parkingspots.app import create
    from parkingspots.settings import Settings

    document = create(Settings.model_construct()).openapi()  # the same wherever it is printed
    print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - its output


@ledger.command(epilog="Example: [bold]parkingspots ledger check --days 30[/bold]")
def check(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back payments are compared with Stripe.")] = 2,
) -> None:
    """Hold the ledger against itself and against Stripe. Exit code 1 where they differ, 2 where nobody can tell."""
    from parkingspots.payments import command
    from parkingspots.payments.gateway import GatewayError
    from parkingspots.settings import load

    try:
        found = asyncio.run(command.check(load(), days))
    except (command.PaymentsAreOff, GatewayError) as refusal:
        _complaint(f"Stripe cannot be asked: {refusal}")
        raise typer.Exit(2) from None
    for difference in found.differences:
        _say(str(difference))
    _say(f"{found.payments} payments compared, {len(found.differences)} differences.")
    if found.differences:
        raise typer.Exit(1)


@cache.command(epilog="Example: [bold]parkingspots cache purge --release 1.4.0-3f9c1e[/bold]")
def purge(
    release: Annotated[str, typer.Option("--release", "--prefix", help="Whose answers: its CACHE_RELEASE.")],
) -> None:
    """Delete the answers that one release has kept in the cache; those of others stay."""
    from parkingspots.reads import purging
    from parkingspots.settings import load

    gone = asyncio.run(purging.purge(load(), release))
    _say(f"{gone:,} answers of release {release} deleted.")


@migrate.command(epilog="Example: [bold]parkingspots migrate upgrade[/bold]")
def upgrade(
    revision: Annotated[str, typer.Argument(help="A revision such as 0001, or head.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
    patience: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds for a database that cannot be reached yet.")
    ] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Write there, as JSON, the revision before and after.", dir_okay=False)
    ] = None,
) -> None:
    """Bring the database up to a revision. Runs one at a time, and gives way to traffic after two seconds.

    A database that a newer release has migrated stays as it is, where this release can work with it.
    """
    from parkingspots.kit import migrating
    from parkingspots.settings import load

    if sql:
        migrating.print_sql(revision)
        return
    settings = load()
    asyncio.run(migrating.reachable(settings, patience))
    moved = asyncio.run(migrating.upgrade(settings, revision))
    _say(f"The database is at revision {moved.after}.")
    if report is not None:
        report.write_text(json.dumps({"from": moved.before, "to": moved.after}), encoding="utf-8")


@migrate.command(epilog="Example: [bold]parkingspots migrate downgrade 0001[/bold]")
def downgrade(
    revision: Annotated[str, typer.Argument(help="A revision such as 0001, or base for an empty one.")],
) -> None:
    """Bring the database down to a revision. What the revisions after it added is lost."""
    from parkingspots.kit import migrating
    from parkingspots.settings import load

    moved = asyncio.run(migrating.downgrade(load(), revision))
    _say(f"The database is at revision {moved.after or 'base'}.")


@migrate.command(epilog="Example: [bold]parkingspots migrate current[/bold]")
def current() -> None:
    """Say at which revision the database is."""
    from parkingspots.kit import migrating
    from parkingspots.settings import load

    _say(asyncio.run(migrating.current(load())) or "base")


@migrate.command(epilog="Example: [bold]parkingspots migrate heads[/bold]")
def heads() -> None:
    """Say which revision this release ends at."""
    from parkingspots.kit import migrating

    _say("\n".join(migrating.heads()))


@migrate.command(epilog="Example: [bold]parkingspots migrate wait --timeout 300[/bold]")
def wait(
    timeout: Annotated[float, typer.Option(min=0, help="Seconds until it gives up.")] = 120,
) -> None:
    """Wait until the database can be reached and has a schema that this release knows."""
    from parkingspots.kit import migrating
    from parkingspots.settings import load

    asyncio.run(migrating.wait(load(), timeout))
    _say("The database is ready.")
