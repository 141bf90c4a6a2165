"""The mapping kit: one declaration per data element type, both directions."""
