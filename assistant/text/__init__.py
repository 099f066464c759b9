"""The text of a document as everything else sees it: its lines, units, words and figures."""
