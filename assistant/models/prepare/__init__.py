"""Making the packaged models ready from their weights; nothing here is needed to answer."""
