"""What people read at a terminal, and the line that they type."""
