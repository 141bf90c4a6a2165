"""A migration of Synthea's CSV files: elements, code tables, and a SQLite legacy store."""
