"""Codes that only this clinic has, as the `code` of a coding in a system of its own."""

import re

from data_elements.clinic import LEGACY
from medplum_migration.mapping.field import Pair, refuse

VISIT_CATEGORY = f"{LEGACY}/visit-category"
"""Numbers of `openemr_postcalendar_categories`."""

_CODE = re.compile(r"\S+( \S+)*")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        refuse("not a code: blank at an end, or two in a row")
    return value


def _number(value: object) -> int:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        refuse("the column holds numbers only")
    return int(value)


CODE = Pair(_code, _code)
"""A text column to a code."""

NUMBER = Pair(str, _number)
"""A number column to a code."""
