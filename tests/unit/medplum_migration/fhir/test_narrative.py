"""Narrative that runs is found, narrative that only reads as if it ran is not."""

import pytest

from medplum_migration.fhir.narrative import is_active

ACTIVE = {
    "script": "<div><script>x</script></div>",
    "script in capitals": "<div><SCRIPT src='x'/></div>",
    "script with a prefix": "<div><h:script>x</h:script></div>",
    "frame": "<div><iframe src='x'></iframe></div>",
    "form": "<div><form action='x'></form></div>",
    "style sheet": "<div><link href='x'/></div>",
    "event": "<div><img src='x' onerror='x'/></div>",
    "event behind a quoted bracket": "<div><img alt='>' ONERROR=x></div>",
    "script in a link": "<div><a href='javascript:x'>y</a></div>",
    "script in a link, disguised": "<div><a href=' java&#10;script&#58;x'>y</a></div>",
    "page in a link": "<div><a href='data:text/html,x'>y</a></div>",
    "comment that browsers end at once": "<div><!--><script>x</script>--></div>",
    "comment ended oddly": "<div><!-- --!><script>x</script>--></div>",
    "character data": "<div><![CDATA[><script>x</script>]]></div>",
}
PASSIVE = {
    "text": "<div>x</div>",
    "text like an event": "<div>one = 1, on call = yes</div>",
    "text like a script": "<div>javascript: a language; &lt;script&gt; a tag</div>",
    "attribute like an event": "<div title='once = 1' class='onset'>x</div>",
    "table": "<div xmlns='http://www.w3.org/1999/xhtml'><table><tr><td>x</td></tr></table></div>",
    "link and image": "<div><a href='#x'>x</a><img src='data:image/png;base64,eA=='/></div>",
    "comment": "<div><!-- x <b>y</b> --></div>",
    "empty attribute": "<div hidden>x</div>",
}


@pytest.mark.parametrize("case", ACTIVE)
def test_active(case: str) -> None:
    """What runs, or loads what runs, is active."""
    assert is_active(ACTIVE[case])


@pytest.mark.parametrize("case", PASSIVE)
def test_passive(case: str) -> None:
    """Words, tables, links and images are not."""
    assert not is_active(PASSIVE[case])
