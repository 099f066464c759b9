"""Plain text, Markdown and what they have in common."""
