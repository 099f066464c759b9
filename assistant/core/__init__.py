"""What the three rooms share: records, errors, configuration, the index and the model runtimes."""
