"""The demo: a living clinic is migrated on this machine, with workers killed on the way."""
