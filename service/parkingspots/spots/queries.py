"""What a client may ask of the two searches, and what it means."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from parkingspots.kit.paging import HIGHEST_PAGE, MOST, Page, asked, by_age
from parkingspots.kit.problems import Invalid
from parkingspots.kit.wire import HIGHEST_AMOUNT, Instant, Latitude, Line, Longitude, Wire, lowered, rendered
from parkingspots.spots.rules import SpotType, VehicleSize
from parkingspots.spots.search import Place, Window, Wishes, key_by_distance

PAGE_SIZE = 20
HIGHEST_RADIUS_KM = 500
IMPLIED_WINDOW = timedelta(hours=1)

Words = Annotated[Line, Field(max_length=200)]
Amount = Annotated[int, Field(ge=0, le=HIGHEST_AMOUNT)]
PageRows = Annotated[int, Field(ge=1, le=MOST)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for, however it was written."""

    wishes: Wishes
    place: Place | None
    window: Window | None
    page: Page
    cursor: str | None

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters that ask for the same, each in its one form and place."""
        wishes, place, window = self.wishes, self.place, self.window
        said = {
            "q": lowered(wishes.words),
            "city": lowered(wishes.city),
            "prefecture": lowered(wishes.prefecture),
            "zip_code": wishes.zip_code,
            "spot_type": wishes.spot_type,
            "vehicle_size": wishes.vehicle_size,
            "max_hourly_rate": wishes.max_hourly_rate,
            "has_ev_charging": wishes.has_ev_charging,
            "is_covered": wishes.is_covered,
            "latitude": place and place.latitude,
            "longitude": place and place.longitude,
            "radius_km": place and place.radius_km,
            "start_time": window and rendered(window.start),
            "end_time": window and rendered(window.end),
            "page_size": self.page.size,
            "page": self.page.offset // self.page.size + 1 if self.page.offset else None,
            "cursor": self.cursor,
        }
        return [(name, _written(value)) for name, value in said.items() if value is not None]


def _written(value: Any) -> str:  # noqa: ANN401 - a parameter of any type
    return str(value).lower() if isinstance(value, bool) else str(value)


class ListQuery(Wire):
    """The parameters of the plain list."""

    q: Words | None = Field(default=None, description="part of title, description, address or city")
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    radius_km: Annotated[float, Field(gt=0, le=HIGHEST_RADIUS_KM, allow_inf_nan=False)] = 10.0
    city: Words | None = Field(default=None, description="part of the city, without regard to case and accents")
    spot_type: SpotType | None = None
    vehicle_size: VehicleSize | None = Field(default=None, description="fits at least this")
    max_hourly_rate: Amount | None = Field(default=None, description="in minor units")
    max_price: Amount | None = Field(default=None, description="another name for max_hourly_rate")
    has_ev_charging: bool | None = None
    is_covered: bool | None = None
    start_time: Instant | None = Field(default=None, description="with end_time: free and open for all of this time")
    end_time: Instant | None = None
    limit: PageRows | None = Field(default=None, description="another name for page_size")
    page: Annotated[int, Field(ge=1, le=HIGHEST_PAGE)] = Field(default=1, description="`cursor` is the faster way")
    page_size: PageRows | None = Field(default=None, description=f"{PAGE_SIZE} by default")
    cursor: Annotated[str, Field(max_length=500)] | None = Field(default=None, description="from the Link header")

    def wishes(self) -> Wishes:
        return Wishes(
            words=self.q or None,
            city=self.city or None,
            spot_type=self.spot_type,
            vehicle_size=self.vehicle_size,
            max_hourly_rate=self.max_price if self.max_hourly_rate is None else self.max_hourly_rate,
            has_ev_charging=self.has_ev_charging,
            is_covered=self.is_covered,
        )

    def place(self) -> Place | None:
        """The circle asked for; raises Invalid for half a place. Zero is a latitude and a longitude."""
        if self.latitude is None and self.longitude is None:
            return None
        if self.latitude is None or self.longitude is None:
            missing = "latitude" if self.latitude is None else "longitude"
            raise Invalid.parameter(missing, "latitude and longitude go together: send both or neither")
        return Place(self.latitude, self.longitude, self.radius_km)

    def window(self, longest: timedelta) -> Window | None:
        """The time asked for; raises Invalid for half a window, an empty one and one longer than a booking may be."""
        if self.start_time is None and self.end_time is None:
            return None
        if self.start_time is None or self.end_time is None:
            missing = "start_time" if self.start_time is None else "end_time"
            raise Invalid.parameter(missing, "start_time and end_time go together: send both or neither")
        if self.end_time <= self.start_time:
            raise Invalid.parameter("end_time", "must lie after start_time")
        if self.end_time - self.start_time > longest:
            raise Invalid.parameter("end_time", f"must lie at most {longest.days} days after start_time")
        return Window(self.start_time, self.end_time)

    def asked(self, longest: timedelta, now: datetime) -> Asked:
        """What this asks for at that time; raises Invalid. A window is at most `longest`."""
        return Asked(self.wishes(), self.place(), self.meant_window(longest, now), self._page(), self.cursor)

    def meant_window(self, longest: timedelta, now: datetime) -> Window | None:  # noqa: ARG002 - the search needs it
        """The time asked for, or none."""
        return self.window(longest)

    def _page(self) -> Page:
        key = by_age if self.place() is None else key_by_distance
        return asked(self.page, self.page_size or self.limit or PAGE_SIZE, self.cursor, key)


class SearchQuery(ListQuery):
    """The parameters of the search, which without a window means the next hour."""

    radius_km: Annotated[float, Field(gt=0, le=HIGHEST_RADIUS_KM, allow_inf_nan=False)] = 50.0
    prefecture: Words | None = Field(default=None, description="part of the prefecture")
    state: Words | None = Field(default=None, description="another name for prefecture")
    zip_code: Annotated[Line, Field(max_length=20)] | None = None

    def wishes(self) -> Wishes:
        prefecture = self.state if self.prefecture is None else self.prefecture
        return replace(super().wishes(), prefecture=prefecture or None, zip_code=self.zip_code or None)

    def meant_window(self, longest: timedelta, now: datetime) -> Window:
        """The time asked for, or one hour from now, cut to the minute so that many ask the same."""
        start = now.replace(second=0, microsecond=0)
        return self.window(longest) or Window(start, start + IMPLIED_WINDOW)
