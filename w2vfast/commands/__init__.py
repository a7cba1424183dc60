"""The commands, one a file: options -> configuration -> library call -> output."""
