"""Checks that compare both sides and decide whether an element may move on; ports only."""
