"""`register`: each column once, in four forms that agree; what changed, and what it holds."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from data_elements.patients import patients
from medplum_migration.fhir.strict import validate
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.verification.profile import SENTINELS
from tests.unit.medplum_migration.cli import fork
from tests.unit.medplum_migration.cli.command import Done, run

FORK = "tests.unit.medplum_migration.cli.fork"
PAGE = Path(__file__).parents[4] / "docs" / "cli" / "register.md"


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on the small fork in memory."""
    monkeypatch.setenv("ELEMENTS", FORK)
    monkeypatch.setenv("LEGACY_STORE", FORK)
    monkeypatch.setenv("LEGACY_DSN", "narrow")


def saved(path: Path, done: Done) -> str:
    """Keep what a command printed, as a shell's `>` does."""
    assert 0 == done.code, done.err
    path.write_text(done.out)
    return str(path)


def changed(monkeypatch: pytest.MonkeyPatch, mapping: type[Mapping[Any]], **changes: Any) -> None:
    """Put another declaration in the place of one of the fork's."""
    declared = {"__module__": mapping.__module__, **changes}
    kind: type[Mapping[Any]] = type(mapping.__name__, (mapping,), declared)
    others = [m for m in fork.MAPPINGS if m.element != kind.element]
    monkeypatch.setattr(fork, "MAPPINGS", (kind(), *others))


def test_every_column_is_listed_once() -> None:
    """A spreadsheet has a line for each column, and a reason where nothing is mapped."""
    done = run("register", "show", "patients", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(done.out)))

    assert 0 == done.code
    assert patients.columns == {line["column"] for line in lines}
    assert len(patients.columns) == len({line["column"] for line in lines})
    assert [] == [line["column"] for line in lines if not line["path"] and not line["why"]]
    assert {"patients"} == {line["element"] for line in lines}


def test_programs_read_the_same() -> None:
    """JSON names mapping version and digest, so that a register can be kept with a release."""
    (told,) = run("register", "show", "patients", "--format", "json").json["elements"]

    assert ("patients", "patient_data", "Patient", patients.mapping_version) == tuple(
        told[name] for name in ("element", "table", "resource", "mapping_version")
    )
    assert patients.columns == {column["column"] for column in told["columns"]}
    assert 32 == len(told["digest"])


def test_people_read_a_table() -> None:
    """Markdown, with what happens to values that are missing or do not fit."""
    done = run("register", "show", "patients", "--format", "markdown")

    assert done.out.startswith("# patients: patient_data to Patient\n")
    assert "| DOB | patient_data.DOB | transformed | Patient.birthDate |" in done.out
    assert "quarantined: not a calendar day; not a day" in done.out


@pytest.mark.usefixtures("forked")
def test_people_read_text_of_all_elements() -> None:
    """Text is the default, and fits a terminal of a hundred columns."""
    done = run("register", "show")

    assert 0 == done.code
    assert 3 == done.out.count("\n  mapping version 1, digest ")
    assert [] == [line for line in done.out.splitlines() if len(line) > 100]
    assert "  after   people\n" not in done.out
    assert "  after people\n" in done.out


def test_an_unknown_element_is_told() -> None:
    """A wrong name is a matter of configuration."""
    assert 3 == run("register", "show", "nobody").code


@pytest.mark.usefixtures("forked")
def test_a_line_per_element() -> None:
    """The list counts columns: all, mapped, lossy."""
    done = run("register", "list")
    told = run("register", "list", "--json").json

    assert 0 == done.code
    assert ["people", "Patient", "1", told["people"]["digest"][:12], "7", "4", "1"] == (
        done.out.splitlines()[2].split()
    )
    assert ["clinics"] == told["people"]["needs"]


@pytest.mark.usefixtures("forked")
def test_code_tables_are_concept_maps() -> None:
    """A valid Bundle with a ConceptMap per code table; `--base` begins their URLs."""
    done = run("register", "concept-maps", "people", "--base", "https://clinic.example/fhir")
    bundle = done.json
    (entry,) = bundle["entry"]

    validate(bundle)
    assert 0 == done.code
    assert "https://clinic.example/fhir/ConceptMap/sex" == entry["resource"]["url"]
    assert {"type": "collection", "resourceType": "Bundle"} == {
        name: bundle[name] for name in ("type", "resourceType")
    }


@pytest.mark.usefixtures("forked")
def test_an_element_without_code_tables_gives_an_empty_bundle() -> None:
    """And no empty list, which FHIR does not know."""
    assert {"resourceType": "Bundle", "type": "collection"} == (
        run("register", "concept-maps", "clinics").json
    )


@pytest.mark.usefixtures("forked")
def test_a_profile_without_findings() -> None:
    """0: nobody has to decide anything."""
    done = run("register", "profile", "people", "--sample", "2")

    assert 0 == done.code
    assert "people: 2 records; keys: 0 nearly alike, 0 encoded\n" in done.out
    assert ["surname", "direct", "100.0%", "-", "-", "-", "1"] in [
        line.split() for line in done.out.splitlines()
    ]
    assert "people: 3 columns were not read by this legacy store.\n" == done.err


@pytest.mark.usefixtures("forked")
def test_a_profile_with_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    """1: codes outside the table, keys that are nearly alike, data that nobody mapped."""
    monkeypatch.setenv("LEGACY_DSN", "wide")
    done = run("register", "profile")

    assert 1 == done.code
    assert [
        "! key: 1 differ from another by case, blanks or zeros only",
        "! column blood: unsupported, and 5 records fill it",
        "! column forgotten: has no disposition",
        "! column sex: 1 records hold a code that is not in codes/sex.csv",
    ] == sorted((x for x in done.out.splitlines() if x[0] == "!"), key=lambda x: (x[2] != "k", x))
    assert "people: 3 columns hold data and are not mapped.\n" in done.err
    assert "marked" not in done.out + done.err


@pytest.mark.usefixtures("forked")
def test_a_profile_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts, and the same exit code."""
    monkeypatch.setenv("LEGACY_DSN", "wide")
    done = run("register", "profile", "people", "--json")
    told = {column["column"]: column for column in done.json["people"]["columns"]}

    assert 1 == done.code
    assert (3, 1, 1) == tuple(told["sex"][name] for name in ("populated", "null", "blank"))
    assert (0, 5) == tuple(told["score"][name] for name in ("populated", "sentinel"))
    assert told["notes"]["dropped"]
    assert not told["score"]["dropped"]


@pytest.mark.usefixtures("clinic")
def test_a_profile_of_a_database() -> None:
    """The clinic's odd rows show, and no value of theirs."""
    done = run("register", "profile", "patients")

    assert 1 == done.code
    assert "that is not in codes/sex.csv" in done.out
    assert "unknown codes" in done.out


def test_the_sentinels_are_documented() -> None:
    """Each word that counts as a sentinel stands on the page."""
    page = PAGE.read_text()

    assert [] == [word for word in sorted(SENTINELS) if f"`{word}`" not in page]


@pytest.mark.usefixtures("forked")
def test_nothing_has_changed(tmp_path: Path) -> None:
    """0: a baseline of today says nothing."""
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    done = run("register", "diff", before)

    assert (0, "No mapping has changed.\n", "") == (done.code, done.out, done.err)


def _trimmed(value: str) -> str:
    return value[:7]


@pytest.mark.usefixtures("forked")
def test_a_forgotten_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1: the mapping means something else, and says the same version."""
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    fields = (Field("name", "name", _trimmed, str),)
    changed(monkeypatch, fork.ClinicMapping, fields=fields)
    done = run("register", "diff", before)

    assert 1 == done.code
    assert [
        "! clinics: another digest, but mapping version 1 as before",
        "  name: disposition was direct, is transformed; transform was -, is _trimmed",
    ] == done.out.splitlines()
    assert done.err.startswith("Raise mapping_version")


@pytest.mark.usefixtures("forked")
def test_a_raised_version_and_what_it_touches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0: with --records the records that map to something else are counted."""
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    digests = saved(tmp_path / "digests.jsonl", run("register", "digests", "clinics"))
    changed(
        monkeypatch,
        fork.ClinicMapping,
        mapping_version=2,
        fields=(Field("name", "name", _trimmed, str),),
    )
    done = run("register", "diff", before, "--records", digests)
    told = run("register", "diff", before, "--records", digests, "--json").json

    assert 0 == done.code
    assert "clinics: mapping version 1 to 2\n" in done.out
    assert {"changed": 2, "same": 1} == {k: n for k, n in told["records"]["clinics"].items() if n}
    assert ["clinics"] == list(told["records"])
    assert "marked" not in Path(digests).read_text()


@pytest.mark.usefixtures("forked")
def test_an_element_came_and_one_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are told; neither needs a version."""
    monkeypatch.setattr(fork, "MAPPINGS", (fork.clinics, fork.people))
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    monkeypatch.setattr(fork, "MAPPINGS", (fork.clinics,))
    after = saved(tmp_path / "after.json", run("register", "show", "--format", "json"))
    gone = run("register", "diff", before)
    monkeypatch.setattr(fork, "MAPPINGS", (fork.clinics, fork.people))
    new = run("register", "diff", after)

    assert (0, "people: gone\n", 0, "people: new\n") == (gone.code, gone.out, new.code, new.out)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("text", ["", "[]", '{"python": "3.11"}', "\udcff"])
def test_what_is_no_baseline(tmp_path: Path, text: str) -> None:
    """3: and what writes one is told."""
    path = tmp_path / "before.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert 3 == run("register", "diff", str(path)).code


@pytest.mark.usefixtures("forked")
def test_digests_of_another_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3: they would say that every record is another one."""
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    digests = saved(tmp_path / "digests.jsonl", run("register", "digests"))
    monkeypatch.setenv("HASH_KEY", "another")
    done = run("register", "diff", before, "--records", digests)

    assert 3 == done.code
    assert "HASH_KEY" in done.err


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("line", ["{", "[]", '{"element": "people"}'])
def test_what_are_no_digests(tmp_path: Path, line: str) -> None:
    """3: the file is named."""
    before = saved(tmp_path / "before.json", run("register", "show", "--format", "json"))
    path = tmp_path / "digests.jsonl"
    path.write_text(run("register", "digests", "clinics").out.splitlines()[0] + f"\n{line}\n")
    done = run("register", "diff", before, "--records", str(path))

    assert 3 == done.code
    assert "digests.jsonl" in done.err


@pytest.mark.usefixtures("forked")
def test_a_file_that_is_not_there() -> None:
    """3: neither as a baseline nor as digests."""
    assert 3 == run("register", "diff", "nowhere.json").code


@pytest.mark.usefixtures("forked")
def test_a_baseline_from_a_pipe() -> None:
    """`-` reads standard input."""
    before = json.dumps(run("register", "show", "--format", "json").json)

    assert 0 == run("register", "diff", "-", stdin=before).code


def test_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """4: the legacy store does not answer."""
    monkeypatch.setenv("LEGACY_DSN", "sqlite:////no/such/folder/clinic.db")

    assert 4 == run("register", "profile", "patients").code
    assert 4 == run("register", "digests", "patients").code
