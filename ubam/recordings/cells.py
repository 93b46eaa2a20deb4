"""What people write into a cell of a table, and what they mean by it."""

import re
import unicodedata
from collections.abc import Iterable

THOUSAND = re.compile(r",\d{3}(?!\d)")
POINT = re.compile(r"\.\d{3}(?!\d)")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,(?!\d{3}$)\d+")
INVISIBLE = ("Cf", "Cc")  # zero-width spaces and joiners, soft hyphens, byte order marks; control characters


def read_number(cell: str, decimal_commas: bool = False) -> float:
    """A number with a point or a comma; ValueError with words for a reader who wrote something else.

    A comma with exactly three digits after it may mean a thousand or a thousandth, so it is refused; so is a point
    where other cells of the table have decimal commas.
    """
    if not is_doubtful(cell, decimal_commas):
        return float(cell.replace(",", "."))
    plain, decimal = re.sub(r"[.,]", "", cell), f"{cell.replace(',', '.')}0"
    whole = re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", cell.strip())
    advice = f"{plain} or {decimal}" if whole else "digits and at most one decimal point"
    raise ValueError(f"it may mean a thousand or a fraction; write {advice}")


def is_doubtful(cell: str, decimal_commas: bool = False) -> bool:
    """Whether a comma, or a point beside decimal commas, stands before exactly three digits."""
    return bool(THOUSAND.search(cell) or (decimal_commas and POINT.search(cell)))


def has_decimal_commas(cells: Iterable[str]) -> bool:
    """Whether some cells of a table, those of numbers, have a decimal comma."""
    return any(DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)


def clean_name(text: str) -> str:
    """A name without invisible letters and outer spaces, its umlauts composed."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) not in INVISIBLE)
    return unicodedata.normalize("NFC", visible).strip()


def spelled_alike(name: str) -> str:
    """What stays of a name when capitals, spaces, hyphens, underscores and leading zeros do not count."""
    plain = unicodedata.normalize("NFKC", clean_name(name)).casefold()
    plain = re.sub(r"[\s_\-.]+", "", plain)
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def without_separator_line(text: str) -> tuple[str, str]:
    """The text of a CSV, and the separator of its cells: the one that Excel's first line `sep=;` names, else a guess.

    Excel's line is left in place as a blank one, so that rows keep their numbers.
    """
    first, newline, rest = text.partition("\n")
    named = re.fullmatch(r'"?sep=(.)"?', first.strip(), re.IGNORECASE)
    if named or first.strip().casefold() == "sep=":
        return newline + rest, named[1] if named else "\t"
    header = next((line for line in text.splitlines() if line.strip()), "")
    return text, max(",;\t", key=header.count)
