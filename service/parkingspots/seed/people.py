"""The owners and renters of the demo data, each to be had by index without the others."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from parkingspots.accounts.passwords import UNUSABLE
from parkingspots.accounts.rules import Role
from parkingspots.seed.plan import Plan, moment, uuid7
from parkingspots.seed.word_lists import forms

OWNER_EMAIL = "owner@demo.parkingspots.dev"
RENTER_EMAIL = "renter@demo.parkingspots.dev"
PASSWORD = "parkingspots"  # noqa: S105 - public: these accounts exist in development only
# The same whatever the seed: the owner's row, which outlives its account, tells a database that has demo data.
OWNER_ID = UUID("0198c0de-0000-7000-8000-00000000d001")
RENTER_ID = UUID("0198c0de-0000-7000-8000-00000000d002")
DOMAIN = "people.demo.parkingspots.dev"
YOUNGEST, AGES = 960, 400  # days; older than every spot and booking
GREEK_SCRIPT = 7  # every so many names

MEN = forms("""
    Giorgos/Γιώργος, Dimitris/Δημήτρης, Konstantinos/Κωνσταντίνος, Giannis/Γιάννης, Nikos/Νίκος, Christos/Χρήστος,
    Panagiotis/Παναγιώτης, Vasilis/Βασίλης, Thanasis/Θανάσης, Michalis/Μιχάλης, Vangelis/Βαγγέλης, Spyros/Σπύρος,
    Stelios/Στέλιος, Manolis/Μανώλης, Alexandros/Αλέξανδρος, Petros/Πέτρος
""")
WOMEN = forms("""
    Maria/Μαρία, Eleni/Ελένη, Katerina/Κατερίνα, Vasiliki/Βασιλική, Sofia/Σοφία, Angeliki/Αγγελική, Georgia/Γεωργία,
    Dimitra/Δήμητρα, Konstantina/Κωνσταντίνα, Paraskevi/Παρασκευή, Anna/Άννα, Ioanna/Ιωάννα, Despoina/Δέσποινα,
    Christina/Χριστίνα, Anastasia/Αναστασία, Evangelia/Ευαγγελία
""")
SURNAMES = forms("""
    Papadopoulos/Παπαδόπουλος/Papadopoulou/Παπαδοπούλου, Pappas/Παππάς/Pappa/Παππά,
    Karagiannis/Καραγιάννης/Karagianni/Καραγιάννη, Vlachos/Βλάχος/Vlachou/Βλάχου,
    Ioannidis/Ιωαννίδης/Ioannidou/Ιωαννίδου, Oikonomou/Οικονόμου/Oikonomou/Οικονόμου,
    Papageorgiou/Παπαγεωργίου/Papageorgiou/Παπαγεωργίου, Makris/Μακρής/Makri/Μακρή,
    Konstantinidis/Κωνσταντινίδης/Konstantinidou/Κωνσταντινίδου,
    Dimopoulos/Δημόπουλος/Dimopoulou/Δημοπούλου, Georgiou/Γεωργίου/Georgiou/Γεωργίου,
    Alexiou/Αλεξίου/Alexiou/Αλεξίου, Nikolaidis/Νικολαΐδης/Nikolaidou/Νικολαΐδου,
    Antoniou/Αντωνίου/Antoniou/Αντωνίου, Samaras/Σαμαράς/Samara/Σαμαρά, Katsaros/Κατσαρός/Katsarou/Κατσαρού,
    Manousakis/Μανουσάκης/Manousaki/Μανουσάκη, Kontos/Κοντός/Kontou/Κοντού,
    Triantafyllou/Τριανταφύλλου/Triantafyllou/Τριανταφύλλου, Lambropoulos/Λαμπρόπουλος/Lambropoulou/Λαμπροπούλου
""")


class Person(NamedTuple):
    """A row of `users`."""

    id: UUID
    email: str
    password_hash: str
    full_name: str
    phone_number: str | None
    role: Role
    is_verified: bool
    created_at: datetime
    updated_at: datetime


class People:
    """Everybody in `plan`. Index 0 of the owners and of the renters is the one with a known password."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._key = str(plan.seed).encode()
        self._days = tuple(moment(plan.today - YOUNGEST - age, 0) for age in range(AGES))

    def owner_id(self, index: int) -> UUID:
        return self._id(b"owner", index) if index else OWNER_ID

    def renter_id(self, index: int) -> UUID:
        return self._id(b"renter", index) if index else RENTER_ID

    def everybody(self, password_hash: str) -> Iterator[Person]:
        """All owners, then all renters; `password_hash` is the demo accounts'."""
        yield self._demo(OWNER_ID, OWNER_EMAIL, "Demo Owner", Role.OWNER, password_hash)
        for index in range(1, self._plan.owners):
            yield self._person(b"owner", index, Role.OWNER)
        yield self._demo(RENTER_ID, RENTER_EMAIL, "Demo Renter", Role.RENTER, password_hash)
        for index in range(1, self._plan.renters):
            yield self._person(b"renter", index, Role.RENTER)

    def _demo(self, user_id: UUID, email: str, name: str, role: Role, password_hash: str) -> Person:
        since = self._days[0]
        return Person(user_id, email, password_hash, name, None, role, True, since, since)  # noqa: FBT003 - a row

    def _chance(self, kind: bytes, index: int) -> int:
        """Bits that stand in for chance, the same for the same person."""
        return int.from_bytes(blake2b(b"%b/%d" % (kind, index), digest_size=16, key=self._key).digest())

    def _since(self, chance: int) -> datetime:
        return self._days[(chance >> 80) % AGES]

    def _id(self, kind: bytes, index: int) -> UUID:
        chance = self._chance(kind, index)
        return uuid7(self._since(chance), chance)

    def _person(self, kind: bytes, index: int, role: Role) -> Person:
        chance = self._chance(kind, index)
        created_at = self._since(chance) + timedelta(seconds=index % 86_400)
        latin, shown = _names(chance >> 96)
        return Person(
            id=uuid7(self._since(chance), chance),
            email=f"{latin.lower().replace(' ', '.')}.{kind.decode()}{index}@{DOMAIN}",
            password_hash=UNUSABLE,
            full_name=shown,
            phone_number=f"+3069000{chance % 100_000:05}" if chance % 3 else None,
            role=role,
            is_verified=chance % 10 > 0,
            created_at=created_at,
            updated_at=created_at,
        )


def _names(chance: int) -> tuple[str, str]:
    """A name in Latin script, and as its owner writes it."""
    chance, surname = divmod(chance, len(SURNAMES))
    chance, is_woman = divmod(chance, 2)
    first = WOMEN if is_woman else MEN
    chance, given = divmod(chance, len(first))
    latin, greek = (f"{first[given][script]} {SURNAMES[surname][2 * is_woman + script]}" for script in (0, 1))
    return latin, latin if chance % GREEK_SCRIPT else greek
