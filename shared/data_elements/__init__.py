"""Fork-owned: one module per data element type."""
