"""Figures as people read them, with a dash for what nobody knows."""

NOBODY_KNOWS = "\N{EN DASH}"
LARGE = 100  # from here on without decimals
SMALL = 10  # below it with two


def number(value: float | None) -> str:
    """Three digits or more: 0.42, 4.2, 42, 4,200."""
    if value is None:
        return NOBODY_KNOWS
    if value >= LARGE or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= SMALL else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """A short time: 250 µs, 4.2 ms, 1.5 s."""
    if value is None:
        return NOBODY_KNOWS
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{number(value / size)} {unit}"
    return f"{value * 1e6:.0f} µs"


def age(value: float | None) -> str:
    """A long time: 41 s, 12 min, 3 h, 2 d."""
    if value is None:
        return NOBODY_KNOWS
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s"


def share(value: float | None) -> str:
    """A part of a whole: 0 %, 0.25 %, 99.8 %, 100 %."""
    if value is None:
        return NOBODY_KNOWS
    percent = 100 * value
    if percent in {0, 100}:
        return f"{percent:.0f} %"
    return f"{percent:.2f} %" if percent < 1 else f"{min(percent, 99.9):.1f} %"


def size(value: float | None) -> str:
    """Bytes in MB, or in GB where there are many."""
    if value is None:
        return NOBODY_KNOWS
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"  # noqa: PLR2004


def of(part: float | None, whole: float | None) -> str:
    """3/10."""
    return NOBODY_KNOWS if part is None and whole is None else f"{number(part)}/{number(whole)}"
