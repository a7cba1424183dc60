"""Text to integers: sources of bytes, the tokenizer, the encoded corpus."""
