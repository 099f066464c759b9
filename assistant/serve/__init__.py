"""The index over HTTP: the contract's JSON, and chat completions as OpenAI's; read-only and bound to one audience."""
