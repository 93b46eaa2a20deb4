"""Numbers and lists in words."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    words = [str(word) for word in words]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def shortened(words: Sequence[str], most: int = 8) -> list[str]:
    """At most `most` words; the rest is counted."""
    return [*words[:most], f"{len(words) - most} more"] if len(words) > most + 1 else list(words)


def plain(value: float | None) -> str:
    """A number with two decimals, large ones with fewer, small ones with two significant digits; "" for None."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-3:
        return f"{value:.1e}"
    return (
        f"{value:.0f}"
        if size >= 1000
        else f"{value:.1f}"
        if size >= 100
        else f"{value:.2f}"
        if size >= 0.1
        else f"{value:.2g}"
    )


def p_text(p: float | None, bare: bool = False) -> str:
    """'p = 0.012', or with `bare` '0.012'; tiny values as '< 0.0001', "" for None."""
    if p is None:
        return ""
    value = "< 0.0001" if p < 1e-4 else f"{p:.3f}".rstrip("0").rstrip(".") if p >= 0.01 else f"{p:.2g}"
    return value if bare else f"p {value}" if value.startswith("<") else f"p = {value}"


def seconds_text(value: float | None) -> str:
    """'4.2 s', '3 min 05 s', '1 h 12 min'; "" for None."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def capitalised(text: str) -> str:
    """`text` with a capital first letter; the others stay."""
    return text[:1].upper() + text[1:]


def bytes_text(count: int) -> str:
    """'512 bytes', '1.5 MiB', '64 GiB'."""
    if count < 1024:
        return f"{count} {plural(count, 'byte')}"
    power = min(4, (count.bit_length() - 1) // 10)
    return f"{count / 1024**power:.3g} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def plural(count: int, word: str) -> str:
    """The word as it follows a count: "1 frame", "2 frames"."""
    return word if count == 1 else word + "s"
