"""Turns files into the index: walk, read, split, find terms, embed, switch."""
