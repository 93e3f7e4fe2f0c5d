"""Lists of words, written as text that a person can read and extend."""


def words(text: str) -> tuple[str, ...]:
    """The parts of `text` between commas, wherever its lines break."""
    return tuple(part for line in text.split(",") if (part := " ".join(line.split())))


def forms(text: str) -> tuple[tuple[str, ...], ...]:
    """The parts of `text` between commas, each with its forms, which slashes divide."""
    return tuple(tuple(word.split("/")) for word in words(text))
