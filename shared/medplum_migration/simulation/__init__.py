"""Deterministic simulation: the real write path under every interleaving, crash and fault.

Workers run the product's own code. Every port call is a point where anything else may happen first;
what a worker does next depends on nothing but what its calls have returned so far, so each distinct
history is run once, and global states are explored as combinations of histories and stores.
"""
