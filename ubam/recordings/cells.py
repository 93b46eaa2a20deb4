"""What people write into a cell of a table, and what they mean by it."""

import re
import unicodedata

THOUSAND = re.compile(r",\d{3}(?!\d)")
INVISIBLE = "Cf"  # zero-width spaces and joiners, soft hyphens, byte order marks


def read_number(cell: str) -> float:
    """A number with a point or a comma; ValueError with words for a reader who wrote something else.

    A comma with exactly three digits after it may mean a thousand or a thousandth, so it is refused.
    """
    if THOUSAND.search(cell):
        plain, decimal = cell.replace(",", ""), cell.replace(",", ".", 1)
        raise ValueError(f"it may mean a thousand or a fraction; write {plain} or {decimal}0")
    return float(cell.replace(",", "."))


def clean_name(text: str) -> str:
    """A name without invisible letters and outer spaces, its umlauts composed."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) != INVISIBLE)
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
