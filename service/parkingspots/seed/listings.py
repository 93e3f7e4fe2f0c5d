"""What owners write about their demo spots."""

from random import Random

from parkingspots.seed.plan import pick
from parkingspots.seed.towns import Area, Town
from parkingspots.spots.rules import SpotType, VehicleSize

NOUN = {
    SpotType.INDOOR: "Indoor spot",
    SpotType.OUTDOOR: "Open-air spot",
    SpotType.COVERED: "Covered spot",
    SpotType.GARAGE: "Garage",
    SpotType.DRIVEWAY: "Private driveway",
    SpotType.LOT: "Spot in a car park",
}
WHERE = ("in {area}", "near {street}", "in {area}, off {street}", "close to {street}")
GROUND = {
    SpotType.INDOOR: (
        "In the basement of an apartment block, reached by a gentle ramp.",
        "On the ground floor of a quiet building.",
    ),
    SpotType.OUTDOOR: ("On level ground behind the house.", "In a courtyard with trees that give some shade."),
    SpotType.COVERED: ("Under a pilotis, dry in winter and cool in summer.", "Under a solid roof beside the entrance."),
    SpotType.GARAGE: ("A locked garage with an automatic door.", "A closed garage with room to open every door."),
    SpotType.DRIVEWAY: ("In front of our house, one car at a time.", "A paved driveway that nobody else uses."),
    SpotType.LOT: ("Numbered places in a small attended car park.", "A surfaced lot with wide lanes."),
}
FITS = {
    VehicleSize.MOTORCYCLE: "For a motorcycle or scooter.",
    VehicleSize.COMPACT: "Made for a small city car.",
    VehicleSize.STANDARD: "Fits a family car.",
    VehicleSize.LARGE: "Fits an estate car or SUV.",
    VehicleSize.OVERSIZED: "Long enough for a van or camper.",
}
NEARBY = (
    "Five minutes on foot to the shops of {area}.",
    "A bus stop for the centre of {town} is at the corner.",
    "Quiet at night, with cafes around the corner.",
    "Handy for the market and the law offices.",
    "Leave the car here and walk everywhere in {area}.",
    "Good for a day in {town} without looking for a place.",
)
GETTING_IN = (
    "The code of the gate is {code}.",
    "Ring the bell marked P{code}; the barrier opens from inside.",
    "The remote control is in the key box at the entrance, code {code}.",
    "Drive in from {street}; the place is marked with number {number}.",
)


def title(rng: Random, spot_type: SpotType, town: Town, area: Area, street: str) -> str:
    where = WHERE[pick(rng, len(WHERE))].format(area=area.name, street=street)
    return f"{NOUN[spot_type]} {where}, {town.name}"


def description(rng: Random, spot_type: SpotType, size: VehicleSize, town: Town, area: Area) -> str:
    ground = GROUND[spot_type][pick(rng, 2)]
    nearby = NEARBY[pick(rng, len(NEARBY))].format(area=area.name, town=town.name)
    return f"{ground} {FITS[size]} {nearby}"


def access_instructions(rng: Random, street: str) -> str:
    way = GETTING_IN[pick(rng, len(GETTING_IN))]
    return way.format(code=1000 + pick(rng, 9000), number=1 + pick(rng, 60), street=street)
