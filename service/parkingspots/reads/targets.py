"""Which requests may be answered from what is kept, and the one name of each, however it was written."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, ValidationError
from starlette.types import Scope

from parkingspots.kit import paging
from parkingspots.kit.clock import TimeSource
from parkingspots.kit.paging import HIGHEST_PAGE, MOST, by_age
from parkingspots.kit.problems import Problem
from parkingspots.kit.wire import Wire
from parkingspots.reviews.routes import REVIEWS_A_PAGE
from parkingspots.settings import Settings
from parkingspots.spots.queries import Asked, ListQuery, SearchQuery

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ID = "{spot_id}"
LONGEST = 2_000
"""Bytes of a path with its query; what is longer goes to the route."""
MOST_REMEMBERED = 1_024
"""Requests of a generation, of which there are two; each takes some 1.1 KB."""

MINUTE = timedelta(minutes=1)

Pairs = list[tuple[str, str]]
Written = tuple[str, bytes]
"""Path and query, as a client wrote them."""


@dataclass(frozen=True, slots=True)
class Target:
    """A request in its one form: where it goes in the application, and under which key its answer is kept."""

    route: str
    template: str
    """The path as the application has it."""
    key: str
    """Its path and its query, `path?query`."""
    good_for: float
    """Seconds."""
    asked: Asked | None = None
    """Of a search: what it asks for."""

    @property
    def path(self) -> str:
        return self.key.partition("?")[0]

    @property
    def query(self) -> str:
        return self.key.partition("?")[2]


class NoQuery(Wire):
    """Of a path that takes no parameters."""

    def pairs(self) -> Pairs:
        return []


class PageQuery(Wire):
    """As `pages.by` reads it."""

    page: Annotated[int, Field(ge=1, le=HIGHEST_PAGE)] = 1
    page_size: Annotated[int, Field(ge=1, le=MOST)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] | None = None
    cursor: Annotated[str, Field(max_length=500)] | None = None

    def pairs(self) -> Pairs:
        size = self.page_size or self.limit or REVIEWS_A_PAGE
        page = paging.asked(self.page, size, self.cursor, by_age)
        which = ("page", str(self.page)) if self.cursor is None else ("cursor", self.cursor)
        return [("page_size", str(page.size)), which]


Query = type[ListQuery] | type[PageQuery] | type[NoQuery]


@dataclass(frozen=True)
class Route:
    """`declared` is the path as the application has it, with `{spot_id}` in it; `good_for` is in seconds."""

    name: str
    declared: str
    query: Query
    good_for: float


def routes(settings: Settings, prefix: str) -> list[Route]:
    """Those whose answers are the same for everybody, as far as they are to be kept at all."""
    search, spot = settings.cache_search_seconds, settings.cache_spot_seconds
    spots, reviews = f"{prefix}/parking-spots", f"{prefix}/reviews"
    found = [
        Route("list_spots", f"{spots}/", ListQuery, search),
        Route("search_spots", f"{spots}/search", SearchQuery, search),
        Route("read_spot", f"{spots}/{{spot_id}}", NoQuery, spot),
        Route("list_slots", f"{spots}/{{spot_id}}/availability", NoQuery, spot),
        Route("list_reviews_of_spot", f"{reviews}/spot/{{spot_id}}", PageQuery, spot),
        Route("list_reviews_of_spot", f"{reviews}/parking-spot/{{spot_id}}", PageQuery, spot),
        Route("summarise_reviews_of_spot", f"{reviews}/spot/{{spot_id}}/summary", NoQuery, spot),
        Route("summarise_reviews_of_spot", f"{reviews}/parking-spot/{{spot_id}}/summary", NoQuery, spot),
    ]
    return [route for route in found if route.good_for > 0]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a request meant; where it is about the next hour, in that minute alone."""

    target: Target | None
    minute: datetime | None = None


NOTHING = Remembered(None)


class Targets:
    """Recognises requests, and remembers how they were written."""

    def __init__(self, settings: Settings, clock: TimeSource, prefix: str) -> None:
        self._routes = [(re.compile(_pattern(route.declared)), route) for route in routes(settings, prefix)]
        self._longest_window = timedelta(days=settings.booking_max_days)
        self._clock = clock
        self._remembered: dict[Written, Remembered] = {}
        self._older: dict[Written, Remembered] = {}

    def of(self, scope: Scope) -> Target | None:
        """The target of a GET, or None for what only its route can answer."""
        written = scope["path"], scope["query_string"]
        if len(written[0]) + len(written[1]) > LONGEST:
            return None
        known = self._known(written)
        if known is None:
            known = self._recognised(scope.get("root_path", ""), *written)
            self._keep(written, known)
        return known.target

    def known(self, scope: Scope) -> Target | None:
        """The target of a GET that was written so before; what another one means takes longer to find out."""
        known = self._known((scope["path"], scope["query_string"]))
        return known.target if known is not None else None

    def template_of(self, scope: Scope) -> str | None:
        """Of a request that was recognised."""
        target = self.known(scope)
        return None if target is None else target.template

    def _keep(self, written: Written, known: Remembered) -> None:
        """What nobody has asked for since the generation before is forgotten: a flood washes away no popular one."""
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered, self._older = {}, self._remembered
        self._remembered[written] = known

    def _known(self, written: Written) -> Remembered | None:
        known = self._remembered.get(written)
        if known is None and (known := self._older.get(written)) is not None:
            self._keep(written, known)
        if known is None or known.minute is None or known.minute <= self._clock.now() < known.minute + MINUTE:
            return known
        return None

    def _recognised(self, root: str, path: str, query: bytes) -> Remembered:
        bare = path.removeprefix(root).removesuffix("/")
        for pattern, route in self._routes:
            found = pattern.fullmatch(bare)
            if found is not None:
                return self._remember(route, route.declared.replace(ID, "".join(found.groups()).lower()), query)
        return NOTHING

    def _remember(self, route: Route, path: str, query: bytes) -> Remembered:
        try:
            sent = route.query.model_validate(_once_each(query, route.query))
            if not isinstance(sent, ListQuery):
                return Remembered(Target(route.name, route.declared, _key(path, sent.pairs()), route.good_for))
            minute = self._clock.now().replace(second=0, microsecond=0)
            asked = sent.asked(self._longest_window, minute)
        except (ValidationError, Problem, RepeatedError):
            return NOTHING  # the route says what is wrong with it
        is_implied = sent.start_time is None and asked.window is not None
        target = Target(route.name, route.declared, _key(path, asked.pairs()), route.good_for, asked)
        return Remembered(target, minute if is_implied else None)


def _key(path: str, pairs: Pairs) -> str:
    return f"{path}?{urlencode(pairs)}"


class RepeatedError(Exception):
    """A parameter was sent twice: the route decides which one counts."""


def _once_each(query: bytes, known: Query) -> dict[str, str]:
    """The parameters that the route knows."""
    sent: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in known.model_fields and name in sent:
            raise RepeatedError
        if name in known.model_fields:
            sent[name] = value
    return sent


def _pattern(declared: str) -> str:
    return declared.removesuffix("/").replace(ID, f"({UUID})")
