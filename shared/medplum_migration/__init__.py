"""Move a running healthcare system onto Medplum, one data element type at a time."""
