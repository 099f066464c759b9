"""Documents from afar: what lies at an address is kept as a folder, which is ingested as any folder is."""
