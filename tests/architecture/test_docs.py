"""Docs keep up: links lead somewhere, targets and files exist, every built phase has its page."""

import re
from pathlib import Path

import pytest

from medplum_migration.cli.phase import BUILT
from medplum_migration.domain.phase import Phase

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text()


def named(path: Path) -> str:
    """Name a test case by the path below the root."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder that exists."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [] == [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_named_targets_exist(page: Path) -> None:
    """Every `make target` that a page shows is in the Makefile."""
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))

    assert set() == {t for t in targets if not re.search(rf"^{t}:", MAKEFILE, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_named_files_exist(page: Path) -> None:
    """Every path below tests/ or shared/ that a page names is there, or is made on that page."""
    text = page.read_text()
    paths = re.findall(r"\b(?:tests|shared|functions|infra|sandbox)/[\w./-]*\w", text)
    made = re.findall(r"^(?:<!-- file:|would write) (\S+)", text, re.MULTILINE)

    assert set() == {p for p in paths if not (ROOT / p).exists()}.difference(made)


@pytest.mark.parametrize("phase", sorted(BUILT - {Phase.OFF}))
def test_every_built_phase_has_its_page(phase: Phase) -> None:
    """`Phase.DUAL_WRITE` is `phases/dual_write.py` is `docs/phases/1-dual-write.md`."""
    number = list(Phase).index(phase)
    page = ROOT / "docs" / "phases" / f"{number}-{phase.value.replace('_', '-')}.md"

    assert page.exists()
    assert f"phases/{phase.value}.py" in page.read_text()
    assert (ROOT / "shared" / "medplum_migration" / "phases" / f"{phase.value}.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_name_no_machine(page: Path) -> None:
    """No page names a path of somebody's machine."""
    assert not re.search(r"(?<![\w.])/(?:home|Users|root|work)/", page.read_text())
