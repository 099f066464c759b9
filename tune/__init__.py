"""Tunes a small generator on the indexed documents."""
