"""Measures the assistant on questions with gold answers; `run` is the recipe, `metrics` names what is measured."""
