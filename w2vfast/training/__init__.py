"""From an encoded corpus to vectors: configuration, tables, the training loop, what the user sees of it."""
