"""Whether a statement is its quote: the test of equality, the citations that pass it, and saved answers again."""
