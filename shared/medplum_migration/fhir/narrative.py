"""Narrative: nothing in it may run (https://hl7.org/fhir/R4/narrative.html)."""

import re
from html.parser import HTMLParser

_TAGS = frozenset(
    tag
    for tags in (
        "applet base body embed form frame frameset",
        "head iframe link object script style",
    )
    for tag in tags.split()
)
_SCHEMES = ("javascript:", "vbscript:", "data:text")
_BLANK = re.compile(r"[\s\x00-\x1f]+")


def is_active(xhtml: str) -> bool:
    """Tell whether XHTML holds scripts, forms, frames, style sheets or event handlers."""
    scan = _Scan()
    scan.feed(xhtml)
    scan.close()
    return scan.active


class _Scan(HTMLParser):
    active = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        banned = tag.rpartition(":")[2] in _TAGS
        self.active |= banned or any(_runs(name, value or "") for name, value in attrs)

    def handle_comment(self, data: str) -> None:
        # Browsers end a comment earlier than XML does, and then its text is markup.
        self.active |= is_active(data.lstrip("->"))

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data.rpartition("[")[2])


def _runs(name: str, value: str) -> bool:
    return name.startswith("on") or _BLANK.sub("", value).lower().startswith(_SCHEMES)
