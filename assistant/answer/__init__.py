"""Question -> answer: retrieval, reading, wording, proof."""
