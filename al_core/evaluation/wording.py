"""How sentences of the core say numbers."""

THIN_SPACE = "\u202f"
MINUS = "−"


def points(share: float) -> str:
    """A change of a share, in points: +0.9, −0.2, and 0.0 without a sign."""
    tenths = round(share * 1000)
    if not tenths:
        return "0.0"
    return f"{'+' if tenths > 0 else MINUS}{abs(tenths) / 10:.1f}"


def percent(share: float) -> str:
    """85.7 %; what is not 0 or 1 is not rounded to it."""
    shown = round(share * 100, 1)
    if shown == 0 < share:
        return f"under 0.1{THIN_SPACE}%"
    if shown == 100 and share < 1:
        return f"over 99.9{THIN_SPACE}%"
    return f"{shown:.1f}{THIN_SPACE}%"


def counted(count: int, noun: str) -> str:
    """1 label, 25 labels, 1 000 labels."""
    return f"{count:,}".replace(",", THIN_SPACE) + f" {noun}" + ("" if count == 1 else "s")


def duration(seconds: float, low: float, high: float) -> str:
    """About how long, with its interval, in the unit that reads best."""
    if seconds >= 3600:
        scale, unit, digits = 3600, "hour", 1
    elif seconds >= 60:
        scale, unit, digits = 60, "minute", 0
    else:
        scale, unit, digits = 1, "second", 0
    value, least, most = (f"{part / scale:.{digits}f}" for part in (seconds, low, high))
    said = f"about {value} {unit}" + ("" if value in ("1", "1.0") else "s")
    return said if least == most else f"{said} ({least} to {most})"
