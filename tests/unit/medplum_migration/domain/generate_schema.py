"""Derive the published schema of change events from their model.

Run by hand after a change of the model:
`python tests/unit/medplum_migration/domain/generate_schema.py`.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
SCHEMA = ROOT / "docs" / "change-event.schema.json"

sys.path.insert(0, str(ROOT / "shared"))


def schema() -> str:
    """Write the schema as JSON."""
    from medplum_migration.domain.change_event import ChangeEvent

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | ChangeEvent.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema())
