"""What was asked and shown, in a log whose changes show."""
