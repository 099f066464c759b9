"""The terminal loop."""
