"""Tunes the reader and a small generator on the indexed documents."""
