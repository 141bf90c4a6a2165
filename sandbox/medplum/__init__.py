"""The embedded Medplum: Medplum's own router and validator, with storage rules around them."""
