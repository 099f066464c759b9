"""Side-by-side measurements; never part of the tests, and nothing here is installed."""
