"""What is true of this clinic: its time zone and the systems of its identifiers and codes."""

from zoneinfo import ZoneInfo

CLINIC_TZ = ZoneInfo("America/New_York")
"""The zone of every time without one in the legacy store."""

LEGACY = "https://openemr.example/fhir"
"""Base of the systems that only this clinic uses."""
