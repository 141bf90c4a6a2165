"""Ports made real: AWS, HTTP, SQL, and memory."""
