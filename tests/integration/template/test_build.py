"""`sam validate` and `sam build`: the template is sound, the artefacts are small and complete."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.aws.tools import ROOT

pytestmark = pytest.mark.integration

# Lambda refuses 250 MB unpacked; a function's start is slow long before.
_LIMIT_MB = 100
_FUNCTIONS = (
    *("DualWriteFunction", "RelayChangesFunction", "ScheduleWorkFunction"),
    *("BackfillFunction", "QuarantineFunction"),
)


def test_sam_finds_nothing_wrong_with_the_template(sam: Path) -> None:
    """`sam validate --lint` accepts the root template, nested ones included."""
    done = subprocess.run(  # noqa: S603 because the arguments are fixed
        [sam, "validate", "--lint", "--region", "us-east-1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_a_function_is_its_handler_alone(artefact: Path, function: str) -> None:
    """A function's archive holds `app.py` and nothing else."""
    assert ["app.py"] == [path.name for path in (artefact / function).iterdir()]


def test_the_shared_layer_holds_the_packages_without_caches(artefact: Path) -> None:
    """The layer has the engine and the fork's packages, and no compiled files."""
    layer = artefact / "SharedLayer" / "python"

    assert {"data_elements", "legacy_store", "medplum_migration"} == {
        p.name for p in layer.iterdir()
    }
    assert [] == list(layer.rglob("__pycache__"))


def test_boto3_is_left_to_the_runtime(artefact: Path) -> None:
    """No AWS SDK in the layer: Lambda brings its own."""
    names = {path.name for path in (artefact / "DependenciesLayer" / "python").iterdir()}

    assert set() == names & {"boto3", "botocore", "s3transfer"}


def test_a_function_with_its_layers_stays_small(
    artefact: Path, record_property: Callable[[str, object], None]
) -> None:
    """Layers and the largest function stay far below what Lambda refuses."""
    parts = ("DependenciesLayer", "SharedLayer", *_FUNCTIONS)
    sizes = {part: _size_mb(artefact / part) for part in parts}
    for part, size in sizes.items():
        record_property(part, f"{size:.2f} MB")

    total = sizes["DependenciesLayer"] + sizes["SharedLayer"] + max(sizes[f] for f in _FUNCTIONS)

    assert total < _LIMIT_MB, sizes


def test_the_layers_requirements_are_those_of_the_lock(tmp_path: Path) -> None:
    """`make requirements` would change nothing: the layer is built from `uv.lock`."""
    uv = ROOT / ".tools" / "uv" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("uv is missing; run `make tools`")
    exported = tmp_path / "requirements.txt"
    options = "--frozen --no-dev --no-emit-project --no-annotate --no-header --prune botocore"
    subprocess.run(  # noqa: S603 because the arguments are fixed
        [uv, "export", "--quiet", *options.split(), "--output-file", exported], cwd=ROOT, check=True
    )

    committed = ROOT / "infra" / "dependencies" / "requirements.txt"

    assert exported.read_text() == committed.read_text()


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
