"""Scanned pages and pictures, by OCR."""
