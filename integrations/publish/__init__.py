"""Snippets for applications that publish their own change events."""
