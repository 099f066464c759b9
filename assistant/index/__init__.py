"""What is indexed: the catalog, the vectors, the search for words."""
