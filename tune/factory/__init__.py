"""What makes the models that ship; needs the data of ../shared, and is not in the wheel."""
