"""What the operating system gives and takes: processors, memory, signals, whole files."""
