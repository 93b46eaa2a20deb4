"""Lists that grow come in pages; the header Link names the next one, as RFC 8288 has it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import urlencode

from apiflask import Schema, abort
from apiflask.fields import Integer, String
from apiflask.validators import Length, Range
from flask import request
from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from webui.data.models import Moment
from webui.data.session import database

USUAL, MOST = 500, 1000
LARGEST = 2**63  # whole numbers of a database are smaller
Headers = dict[str, str]


class ListIn(Schema):
    """How much of a list at once, and where it continues: `after` is in the address of the next page."""

    limit = Integer(load_default=USUAL, validate=Range(1, MOST))
    after = String(load_default="", validate=Length(0, 300))


class ListRequest(TypedDict):
    """The same after it was checked."""

    limit: int
    after: str


@dataclass(frozen=True)
class Order:
    """By which columns a list is in order; the last of them tells all rows apart."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    newest_first: bool = False


def page_of(query: Select[Any], order: Order, given: ListRequest) -> tuple[list[Any], Headers]:
    """The rows of one page, and the headers of its answer; 422 where `after` is no place in this list."""
    found = query.order_by(*(column.desc() if order.newest_first else column for column in order.columns))
    if given["after"]:
        place = tuple_(*_values(order, given["after"]))
        here = tuple_(*order.columns)
        found = found.where(here < place if order.newest_first else here > place)
    rows = list(database().scalars(found.limit(given["limit"] + 1)))
    shown = rows[: given["limit"]]
    return shown, _next(order, shown[-1]) if len(rows) > given["limit"] else {}


def _next(order: Order, last: Any) -> Headers:
    values = [getattr(last, column.key) for column in order.columns]
    text = json.dumps([value.isoformat() if isinstance(value, datetime) else value for value in values])
    return link_to(after=base64.urlsafe_b64encode(text.encode()).decode())


def link_to(**changed: Any) -> Headers:
    """A header that names the address of this request, with some of its query changed, as that of the next page."""
    query = urlencode({**request.args.to_dict(), **changed})
    return {"Link": f'<{request.path}?{query}>; rel="next"'}


def _values(order: Order, after: str) -> Sequence[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(after.encode("ascii")))
        read = [_value(column, value) for column, value in zip(order.columns, values, strict=True)]
    except (ValueError, TypeError):
        abort(422, "'after': is no place in this list; take the address in the header Link.")
    return [literal(value, column.type) for column, value in zip(order.columns, read, strict=True)]


def _value(column: InstrumentedAttribute[Any], value: Any) -> Any:
    kind = datetime if isinstance(column.type, Moment) else column.type.python_type
    read = datetime.fromisoformat(value) if kind is datetime else value
    if not isinstance(read, kind) or isinstance(read, bool) or (isinstance(read, int) and abs(read) >= LARGEST):
        raise TypeError(column.key)
    return read
