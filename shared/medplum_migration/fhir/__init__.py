"""FHIR R4: models, builders, bundles, code tables, strict rules; no I/O."""
