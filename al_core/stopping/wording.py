"""How the board says numbers."""

THIN_SPACE = "\u202f"
MINUS = "−"


def points(share: float) -> str:
    """A change of a share, in points: +0.9, −0.2, 0.0 without a sign."""
    tenths = round(share * 1000) / 10
    if tenths == 0:
        return "0.0"
    return f"{'+' if tenths > 0 else MINUS}{abs(tenths):.1f}"


def percent(share: float) -> str:
    return f"{share * 100:.1f}{THIN_SPACE}%"


def counted(count: int, noun: str) -> str:
    """1 label, 25 labels, 1 000 labels."""
    return f"{count:,}".replace(",", THIN_SPACE) + f" {noun}" + ("" if count == 1 else "s")


def duration(seconds: float, low: float, high: float) -> str:
    """About how long, with its interval, in the unit that reads best."""
    if seconds >= 3600:
        scale, unit, digits = 3600, "hours", 1
    elif seconds >= 60:
        scale, unit, digits = 60, "minutes", 0
    else:
        scale, unit, digits = 1, "seconds", 0
    value, least, most = (f"{part / scale:.{digits}f}" for part in (seconds, low, high))
    if value == "1":
        unit = unit[:-1]
    return f"about {value} {unit}" if least == most else f"about {value} {unit} ({least} to {most})"
