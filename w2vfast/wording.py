"""How messages put things."""


def counted(number: int, thing: str) -> str:
    """Return a number of things: 1 word, 2,000 words."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
