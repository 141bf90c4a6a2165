"""Composition root: the only place where a port meets an adapter."""
