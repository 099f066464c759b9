"""What is wrong with the documents themselves: terms, references, links, dates, metadata."""
