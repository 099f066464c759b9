"""DOCX, PPTX, XLSX and CSV."""
