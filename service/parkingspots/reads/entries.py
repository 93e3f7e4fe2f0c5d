"""A kept answer: its bytes as they go out, what it rests on, and how it travels to Valkey and back."""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from parkingspots.kit.changes import Snapshot
from parkingspots.kit.conditional import FOR_EVERYBODY, FOR_ONE, compressed
from parkingspots.kit.footprints import Footprint, Subjects
from parkingspots.kit.hardening import Header, protected

MAGIC = b"PS1\n"
DIGEST = 16
OVERHEAD = 3_000
"""Bytes that an entry takes in memory beside its body, about."""
ID = 150
"""Bytes that each id takes on which an entry rests."""
WORTH_PACKING = 500
"""Bytes; shorter bodies are sent as they are."""
GZIP_LEVEL = 6
JSON = b"application/json"
SOONEST = 20.0
"""Times its cost: refreshing earlier comes one in 500 million times (e⁻²⁰), and drawing for it costs every hit."""

Headers = list[Header]


class UnreadableError(Exception):
    """What lies in Valkey under our name is not an answer of ours."""


@dataclass(frozen=True)
class About:
    """What makes an answer good. Times in seconds since the epoch, by the database's clock."""

    footprint: Footprint
    snapshot: str
    """Of the log, from before the answer was asked for; see kit.changes.Snapshot."""
    loaded_at: float
    good_for: float
    """Seconds."""
    cost: float
    """Seconds that the loading took."""
    but_for: frozenset[UUID]
    """Users who may have to get another answer."""
    etag: str
    headers: tuple[tuple[str, str], ...]
    """Of the answer, beside those that every kept one has."""


ABOUT = TypeAdapter(About)


@dataclass(frozen=True)
class Form:
    """One form in which an answer goes out."""

    headers: Headers
    not_modified: Headers
    body: bytes


@dataclass(frozen=True)
class Entry:
    """An answer of 200, in JSON."""

    about: About
    body: bytes
    _forms: dict[tuple[bool, bool, bool], Form] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def snapshot(self) -> Snapshot:
        return Snapshot.of(self.about.snapshot)

    @cached_property
    def settled_until(self) -> float:
        """Seconds since the epoch; until then nobody thinks of loading it again."""
        return self.about.loaded_at + self.about.good_for - self.about.cost * SOONEST

    @cached_property
    def _packed(self) -> bytes:
        """Compressed once, however often it is sent."""
        return gzip.compress(self.body, GZIP_LEVEL, mtime=0)

    def form(self, *, takes_gzip: bool, signed_in: bool, secure: bool) -> Form:
        """The answer for somebody who takes gzip, who sent an access token, or who speaks TLS."""
        known = self._forms.get((takes_gzip, signed_in, secure))
        if known is None:
            packed = takes_gzip and len(self.body) >= WORTH_PACKING
            known = self._made(packed=packed, signed_in=signed_in, secure=secure)
            self._forms[takes_gzip, signed_in, secure] = known
        return known

    def _made(self, *, packed: bool, signed_in: bool, secure: bool) -> Form:
        body = self._packed if packed else self.body
        etag = compressed(self.about.etag) if packed else self.about.etag
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.about.headers]
        headers += [
            (b"content-type", JSON),
            (b"content-length", str(len(body)).encode()),
            (b"etag", etag.encode()),
            (b"cache-control", (FOR_ONE if signed_in else FOR_EVERYBODY).encode()),
            (b"vary", b"Authorization, Accept-Encoding"),
        ]
        if packed:
            headers.append((b"content-encoding", b"gzip"))
        not_modified = [each for each in headers if not each[0].startswith(b"content-")]
        return Form(protected(headers, secure=secure), protected(not_modified, secure=secure), body)

    @property
    def size(self) -> int:
        """Bytes in memory, about; a compressed body that may come is counted ahead."""
        footprint = self.about.footprint
        ids = len(self.about.but_for) + (len(footprint.ids) if isinstance(footprint, Subjects) else 0)
        return OVERHEAD + len(self.body) * 5 // 4 + ids * ID

    def to_bytes(self, name: str) -> bytes:
        """What is kept under `name`, and under no other."""
        content = ABOUT.dump_json(self.about) + b"\n" + self.body
        return MAGIC + _digest(name, content) + content

    @classmethod
    def from_bytes(cls, name: str, raw: bytes) -> "Entry":
        """Raises UnreadableError for anything but what `to_bytes` made for the same name."""
        digest, content = raw[len(MAGIC) : len(MAGIC) + DIGEST], raw[len(MAGIC) + DIGEST :]
        if not raw.startswith(MAGIC) or _digest(name, content) != digest:
            raise UnreadableError
        line, _, body = content.partition(b"\n")
        try:
            return cls(ABOUT.validate_json(line), body)
        except ValidationError:
            raise UnreadableError from None


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + content, digest_size=DIGEST).digest()
