"""HTML, as a browser would show it."""
