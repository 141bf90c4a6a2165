"""The embedded default around the product: a legacy clinic, Medplum and AWS on one machine."""
