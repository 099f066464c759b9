"""What would change if other files replaced what is indexed: documents, sentences, facts and answers."""
