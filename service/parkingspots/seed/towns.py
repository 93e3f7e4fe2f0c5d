"""Where the demo spots lie: twelve Greek towns, each as circles of dry land with a name and a zip code."""

from dataclasses import dataclass
from itertools import accumulate
from math import cos, hypot, pi, radians, sin, sqrt
from random import Random

from parkingspots.seed.word_lists import words

METRES_A_DEGREE = 111_195
"""Of latitude, on the mean radius (IUGG)."""


@dataclass(frozen=True)
class Area:
    """A circle on land; `radius` in metres."""

    name: str
    latitude: float
    longitude: float
    radius: int
    zip_code: str

    def point(self, rng: Random) -> tuple[float, float]:
        """A point of the circle in degrees, to about a metre; all of it is equally likely."""
        distance, angle = self.radius * sqrt(rng.random()), 2 * pi * rng.random()
        latitude = self.latitude + distance * sin(angle) / METRES_A_DEGREE
        longitude = self.longitude + distance * cos(angle) / (METRES_A_DEGREE * cos(radians(latitude)))
        return round(latitude, 5), round(longitude, 5)


@dataclass(frozen=True)
class Town:
    """`share` is the percentage of spots, `price` that of the Athenian price, `radius` in metres around the centre."""

    name: str
    prefecture: str
    latitude: float
    longitude: float
    share: int
    price: int
    areas: tuple[Area, ...]
    streets: tuple[str, ...]

    @property
    def radius(self) -> float:
        """From the centre to the far side of the farthest area, in metres."""
        return max(self.metres_to(area.latitude, area.longitude) + area.radius for area in self.areas)

    def metres_to(self, latitude: float, longitude: float) -> float:
        """From the centre to a point, on the plane: exact to a metre within a town."""
        east = (longitude - self.longitude) * cos(radians(self.latitude))
        return METRES_A_DEGREE * hypot(latitude - self.latitude, east)


def _areas(text: str) -> tuple[Area, ...]:
    rows = (line.split(" | ") for line in text.strip().splitlines())
    return tuple(Area(name.strip(), float(y), float(x), int(radius), code) for name, y, x, radius, code in rows)


ATHENS = Town(
    name="Athens",
    prefecture="Attica",
    latitude=37.9755,
    longitude=23.7348,
    share=34,
    price=100,
    areas=_areas("""
        Syntagma | 37.9755 | 23.7348 | 600 | 10563
        Exarchia | 37.9860 | 23.7335 | 500 | 10681
        Kolonaki | 37.9785 | 23.7430 | 450 | 10673
        Pangrati | 37.9680 | 23.7520 | 800 | 11633
        Kypseli | 38.0010 | 23.7390 | 800 | 11362
        Ampelokipoi | 37.9880 | 23.7610 | 800 | 11523
        Petralona | 37.9665 | 23.7100 | 600 | 11852
        Kallithea | 37.9550 | 23.7020 | 700 | 17671
        Nea Smyrni | 37.9450 | 23.7140 | 800 | 17122
        Peristeri | 38.0150 | 23.6920 | 1000 | 12131
        Nikaia | 37.9680 | 23.6450 | 700 | 18451
        Chalandri | 38.0210 | 23.7990 | 1000 | 15232
        Marousi | 38.0560 | 23.8080 | 1000 | 15124
        Glyfada | 37.8720 | 23.7610 | 500 | 16675
    """),
    streets=words("""
        Ermou, Stadiou, Panepistimiou, Akadimias, Solonos, Skoufa, Patision, Acharnon, Ippokratous, Athinas, Aiolou,
        Charilaou Trikoupi, Leoforos Alexandras, Leoforos Kifisias, Leoforos Syngrou, Mitropoleos, Ymittou,
        Fokionos Negri, Spyrou Merkouri, Formionos, Kallirrois, Lenorman, Michalakopoulou, Eleftheriou Venizelou
    """),
)
THESSALONIKI = Town(
    name="Thessaloniki",
    prefecture="Thessaloniki",
    latitude=40.6367,
    longitude=22.9437,
    share=17,
    price=85,
    areas=_areas("""
        Dikastirion | 40.6370 | 22.9445 | 350 | 54631
        Ano Poli | 40.6410 | 22.9540 | 500 | 54634
        Toumba | 40.6140 | 22.9720 | 600 | 54352
        Charilaou | 40.6000 | 22.9690 | 500 | 54250
        Kalamaria | 40.5850 | 22.9610 | 400 | 55132
        Pylaia | 40.6000 | 22.9880 | 500 | 55535
        Stavroupoli | 40.6650 | 22.9320 | 700 | 56430
        Evosmos | 40.6710 | 22.9080 | 800 | 56224
    """),
    streets=words("""
        Egnatia, Tsimiski, Agiou Dimitriou, Olympiados, Vasilissis Olgas, Konstantinou Karamanli, Delfon, Kassandrou,
        Papanastasiou, Grigoriou Lambraki, Eleftheriou Venizelou, Ionos Dragoumi, Alexandrou Svolou, Filippou,
        Langada, Monastiriou, Ermou, Mitropoleos
    """),
)
PATRAS = Town(
    name="Patras",
    prefecture="Achaea",
    latitude=38.2465,
    longitude=21.7350,
    share=8,
    price=65,
    areas=_areas("""
        Ano Poli | 38.2440 | 21.7425 | 300 | 26225
        Psila Alonia | 38.2400 | 21.7390 | 350 | 26224
        Agios Dionysios | 38.2330 | 21.7410 | 450 | 26333
        Agyia | 38.2620 | 21.7540 | 250 | 26442
        Panepistimio | 38.2860 | 21.7890 | 450 | 26504
    """),
    streets=words("""
        Korinthou, Maizonos, Agiou Andreou, Riga Fereou, Kanakari, Gounari, Agias Sofias, Kolokotroni, Ermou,
        Ellinos Stratiotou, Germanou, Patreos, Votsi, Karaiskaki, Boukaouri
    """),
)
HERAKLION = Town(
    name="Heraklion",
    prefecture="Heraklion",
    latitude=35.3387,
    longitude=25.1330,
    share=8,
    price=75,
    areas=_areas("""
        Kentro | 35.3365 | 25.1325 | 300 | 71202
        Kaminia | 35.3290 | 25.1230 | 450 | 71304
        Mastampas | 35.3255 | 25.1310 | 450 | 71306
        Analipsi | 35.3270 | 25.1440 | 400 | 71306
        Knossos | 35.3100 | 25.1560 | 600 | 71409
        Nea Alikarnassos | 35.3310 | 25.1570 | 300 | 71601
    """),
    streets=words("""
        Dikaiosynis, Evans, Kalokairinou, Leoforos Knossou, 1866, 62 Martyron, Leoforos Dimokratias, Ikarou, Chandakos,
        Daidalou, Therissou, Papanastasiou, Ionias, Averof
    """),
)
RHODES = Town(
    name="Rhodes",
    prefecture="Dodecanese",
    latitude=36.4430,
    longitude=28.2220,
    share=6,
    price=90,
    areas=_areas("""
        Old Town | 36.4435 | 28.2250 | 200 | 85131
        Neochori | 36.4460 | 28.2200 | 250 | 85132
        Analipsi | 36.4370 | 28.2190 | 400 | 85133
        Zefyros | 36.4290 | 28.2240 | 450 | 85133
        Koskinou | 36.3870 | 28.2130 | 350 | 85105
        Ialysos | 36.4110 | 28.1600 | 300 | 85101
        Faliraki | 36.3400 | 28.1980 | 350 | 85105
    """),
    streets=words("""
        Amerikis, Ethelonton Dodekanision, Venetokleon, Averof, Kanada, Afstralias, Rodou-Lindou, Griva, Makariou,
        28is Oktovriou, Alexandrou Papagou, Themistokli Sofouli, Michail Petridi, Dimokratias
    """),
)
CORFU = Town(
    name="Corfu",
    prefecture="Corfu",
    latitude=39.6225,
    longitude=19.9180,
    share=5,
    price=85,
    areas=_areas("""
        San Rocco | 39.6215 | 19.9165 | 250 | 49131
        Mantouki | 39.6230 | 19.9085 | 200 | 49132
        Alepou | 39.6130 | 19.8870 | 450 | 49100
        Potamos | 39.6250 | 19.8690 | 450 | 49100
        Kontokali | 39.6430 | 19.8480 | 250 | 49100
    """),
    streets=words("""
        Leoforos Alexandras, Georgiou Theotoki, Kapodistriou, Evgeniou Voulgareos, Donatou Dimoulitsa,
        Mitropoliti Methodiou, Polychroni Konstanta, Ioulias Andreadi, Napoleontos Zerva, Lefkimmis, Paleokastritsas
    """),
)
MYKONOS = Town(
    name="Mykonos",
    prefecture="Cyclades",
    latitude=37.4450,
    longitude=25.3290,
    share=4,
    price=190,
    areas=_areas("""
        Chora | 37.4440 | 25.3320 | 200 | 84600
        Vrysi | 37.4390 | 25.3385 | 300 | 84600
        Drafaki | 37.4330 | 25.3410 | 350 | 84600
        Ano Mera | 37.4480 | 25.4000 | 550 | 84600
    """),
    streets=words("""
        Matogianni, Agiou Ioannou, Enoplon Dynameon, Polykandrioti, Agiou Stefanou, Kalogera, Mitropoleos, Dilou,
        Agias Annas, Rochari, Drafaki
    """),
)
SANTORINI = Town(
    name="Santorini (Fira)",
    prefecture="Cyclades",
    latitude=36.4166,
    longitude=25.4335,
    share=4,
    price=180,
    areas=_areas("""
        Fira | 36.4175 | 25.4360 | 200 | 84700
        Kontochori | 36.4190 | 25.4405 | 250 | 84700
        Karterados | 36.4110 | 25.4460 | 400 | 84700
        Messaria | 36.4060 | 25.4570 | 350 | 84700
        Pyrgos | 36.3830 | 25.4490 | 350 | 84701
        Kamari | 36.3780 | 25.4770 | 300 | 84700
    """),
    streets=words("""
        25is Martiou, Danezi, Erythrou Stavrou, Agiou Mina, Dekigala, Mitropoleos, Agiou Ioannou, Ypapantis,
        Mikri Fabrika, Marinatou
    """),
)
CHANIA = Town(
    name="Chania",
    prefecture="Chania",
    latitude=35.5138,
    longitude=24.0207,
    share=5,
    price=80,
    areas=_areas("""
        Agora | 35.5105 | 24.0205 | 300 | 73132
        Pachiana | 35.5045 | 24.0150 | 400 | 73135
        Lentariana | 35.5050 | 24.0330 | 400 | 73133
        Mournies | 35.4850 | 24.0130 | 450 | 73136
        Tsikalaria | 35.4800 | 24.0500 | 350 | 73200
    """),
    streets=words("""
        Kydonias, Skalidi, Apokoronou, Tzanakaki, Chatzimichali Giannari, Sfakion, Kissamou, Papanastasiou, Chalidon,
        Eleftheriou Venizelou, Anagnosti Gogoni, Iroon Polytechniou, Nikiforou Foka, Markou Botsari
    """),
)
VOLOS = Town(
    name="Volos",
    prefecture="Magnesia",
    latitude=39.3625,
    longitude=22.9430,
    share=4,
    price=60,
    areas=_areas("""
        Kentro | 39.3660 | 22.9430 | 300 | 38333
        Agios Vasileios | 39.3690 | 22.9530 | 350 | 38334
        Nea Ionia | 39.3730 | 22.9290 | 500 | 38446
        Ano Volos | 39.3800 | 22.9640 | 350 | 38500
        Portaria | 39.3890 | 22.9990 | 250 | 37011
    """),
    streets=words("""
        Iasonos, Dimitriados, Ermou, Kartali, Ogl, Athinon, Larisis, Analipseos, Gallias, Polymeri, Antonopoulou,
        Magniton, Rozou, Spyridi, Kyprou
    """),
)
IOANNINA = Town(
    name="Ioannina",
    prefecture="Ioannina",
    latitude=39.6640,
    longitude=20.8510,
    share=3,
    price=55,
    areas=_areas("""
        Kentro | 39.6625 | 20.8500 | 300 | 45221
        Lakkomata | 39.6560 | 20.8450 | 500 | 45332
        Anatoli | 39.6390 | 20.8600 | 500 | 45221
        Kardamitsia | 39.6810 | 20.8320 | 400 | 45500
        Stavraki | 39.6650 | 20.8250 | 450 | 45332
    """),
    streets=words("""
        Averof, 28is Oktovriou, Dodonis, Napoleontos Zerva, Anexartisias, Charilaou Trikoupi, Pyrsinella, Kaplani,
        Georgiou Papandreou, Dompoli, Vlachleidi, Mesologgiou
    """),
)
KAVALA = Town(
    name="Kavala",
    prefecture="Kavala",
    latitude=40.9390,
    longitude=24.4070,
    share=2,
    price=55,
    areas=_areas("""
        Kentro | 40.9400 | 24.4040 | 200 | 65403
        Agios Athanasios | 40.9440 | 24.4100 | 250 | 65404
        Amygdaleonas | 40.9780 | 24.3520 | 450 | 64012
        Krinides | 41.0120 | 24.2960 | 450 | 64003
    """),
    streets=words("""
        Omonias, Eleftheriou Venizelou, Erythrou Stavrou, Ethnikis Antistaseos, Chrysostomou Smyrnis, 7is Merarchias,
        Kassandrou, Filippou, Averof, Ionos Dragoumi, Palaiologou, Egnatias
    """),
)

TOWNS = (
    *(ATHENS, THESSALONIKI, PATRAS, HERAKLION, RHODES, CORFU),
    *(MYKONOS, SANTORINI, CHANIA, VOLOS, IOANNINA, KAVALA),
)
UP_TO = tuple(accumulate(town.share for town in TOWNS))


def a_town(rng: Random) -> Town:
    """A town, each as often as its share says."""
    return rng.choices(TOWNS, cum_weights=UP_TO)[0]
