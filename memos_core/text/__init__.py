"""Text as the engines see it: terms, sentences, passages. No I/O, no model."""
