"""What is wrong with the documents themselves: terms, references, dates, numbers that contradict each other."""
