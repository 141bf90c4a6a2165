"""The operator's command `medplum-migrate`: one verb per file."""
