"""Fork-owned: where the legacy rows are."""
