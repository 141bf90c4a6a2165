"""Values and decisions: standard library and pydantic only; no AWS, no HTTP, no clock."""
