"""Texts that are numbers, dates or booleans to a person: what they look like, and which keys of a recipe read them.

No polars: targets that come as arrays of text are looked at too.
"""

import re
from collections.abc import Iterable, Sequence

__all__ = [
    "BOOLEAN", "DATE_LIKE", "NUMBER_LIKE", "SIGN", "canonical", "in_list", "is_date", "is_number", "notation_keys",
    "unit_of", "yaml_text",
]  # fmt: skip

SIGN = r"(?:US\$|R\$|[$€£¥₹₩₽₺₫₱฿¢%‰]|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|kr\.?|zł|Kč|Ft|Rs\.?)"
"""A currency, percent or per mille."""
SPACES = " \u00a0\u202f"
APOSTROPHES = "'’"
_DIGITS = (
    r"(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?"  # 1.234,5
    r"|\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?"  # 1,234.5 and 12,34,567
    rf"|\d{{1,3}}(?:[{APOSTROPHES}{SPACES}]\d{{3}})+(?:[.,]\d+)?"  # 1 234,5
    r"|\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
)
NUMBER_LIKE = rf"^\(?(?:[+−-]\s*)?(?:{SIGN}\s*)?(?:[+−-]\s*)?{_DIGITS}(?:\s*{SIGN})?\)?$"
"""A number in any common notation; for Python's and for Rust's regular expressions."""
_WITH_UNIT = re.compile(rf"[+−-]?{_DIGITS}\s*(°?[A-Za-zµ²³/]+)")
DATE_LIKE = (
    r"^(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?:[T ]+\d{1,2}:\d{2}.*)?$"
    r"|^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$"
)
"""A date, a month or a time of day."""
BOOLEAN = r"^(?i:true|false)$"
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)\.0+")


def is_number(text: str) -> bool:
    """Return whether a text is a number to a person, in whatever notation."""
    return re.match(NUMBER_LIKE, text) is not None


def is_date(text: str) -> bool:
    """Return whether a text is a date, a month or a time of day."""
    return re.match(DATE_LIKE, text) is not None


def unit_of(texts: Sequence[str]) -> str:
    """Return the unit that stands behind each of several different numbers (5 kg, 7 kg), or nothing."""
    first = _WITH_UNIT.fullmatch(texts[0]) if len(texts) > 1 else None
    unit = first.group(1) if first is not None else ""
    is_behind = bool(unit) and all(text.endswith(unit) and _WITH_UNIT.fullmatch(text) for text in texts)
    return unit if is_behind else ""


def canonical(text: str) -> str:
    """Return the one spelling of a category: TRUE is True, 1010.0 is 1010; other texts are themselves."""
    if re.match(BOOLEAN, text):
        return text.capitalize()
    return text[: text.index(".")] if _WHOLE.fullmatch(text) else text


def notation_keys(texts: Sequence[str], name: str | None) -> tuple[str, str]:
    """Return what numbers are written with that no plain number has, and the keys of `data` that read them.

    Args:
        texts: Numbers in any notation, of which one at least is no plain number.
        name: The column, for `types`; None where the values have none.
    """
    cores = [re.sub(rf"{SIGN}|[()\s+−-]*$|^[()\s+−-]*", "", text) for text in texts]
    found, keys = [], []
    comma, point = _marks(cores, ","), _marks(cores, ".")
    groups = next((core for core in cores if re.search(rf"\d[{SPACES}{APOSTROPHES}]\d", core)), None)
    signs = dict.fromkeys(sign for text in texts for sign in re.findall(SIGN, text))
    typed = f"types: {{{yaml_text(name)}: number}}" if signs and name is not None else ""
    if comma == "either" and point == "none" and groups is None:
        sign = f" and a sign ({', '.join(signs)})" if signs else ""
        also = f", {typed}" if typed else ""
        return f"a comma that is a decimal or a thousands mark{sign}", (
            f'If 1,234 is a thousand and more, say so (thousands: ","{also}); '
            f'if it is one and a fraction: decimal: ","{also}'
        )
    if comma in {"decimal", "last"} or (comma == "either" and groups is not None):
        found.append("a decimal comma")
        keys.append('decimal: ","')
        if point != "none":
            found.append("thousands marks")
            keys.append('thousands: "."')
    elif comma != "none":
        found.append("thousands marks")
        keys.append('thousands: ","')
    elif point == "grouping":
        found.append("thousands marks")
        keys += ['decimal: ","', 'thousands: "."']
    if groups is not None:
        mark = "'" if any(sign in groups for sign in APOSTROPHES) else " "
        found.append("thousands marks")
        keys.append(f'thousands: "{mark}"')
    if signs or not found:
        found.append(f"a sign ({', '.join(signs)})" if signs else "a sign")
        if name is not None:
            keys.append(f"types: {{{yaml_text(name)}: number}}")
    return " and ".join(dict.fromkeys(found)), f"To read numbers say so ({', '.join(keys)})" if keys else "Repair them"


def _marks(cores: Iterable[str], mark: str) -> str:
    """Return what a mark in numbers can only be: `decimal`, `grouping`, `last` (behind groups of another), or `either`."""
    other = "." if mark == "," else ","
    roles = set()
    for core in cores:
        if mark not in core:
            continue
        behind = core.rsplit(mark, 1)[1]
        if core.count(mark) > 1 or core.find(mark) < core.find(other):
            roles.add("grouping")
        elif other in core:
            roles.add("last")
        else:
            is_group = re.fullmatch(rf"\d{{1,3}}{re.escape(mark)}\d{{3}}", core) is not None and behind.isdigit()
            roles.add("either" if is_group else "decimal")
    for role in ("last", "grouping", "decimal", "either"):
        if role in roles:
            return role
    return "none"


def in_list(texts: Iterable[str]) -> str:
    """Return texts as a list of YAML that reads back as these texts."""
    return f"[{', '.join(yaml_text(text) for text in texts)}]"


def yaml_text(text: str) -> str:
    """Return a text as YAML that reads back as this text."""
    is_plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 _/.-]*", text) and text.lower() not in {"null", "true", "false"}
    return text if is_plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
