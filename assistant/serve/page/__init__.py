"""The page that `assistant serve` shows to people: templates, a style sheet and a script, nothing from elsewhere."""
