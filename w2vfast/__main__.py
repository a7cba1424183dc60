"""``python -m w2vfast`` and the ``w2vfast`` command."""

from w2vfast.cli import main

if __name__ == "__main__":
    main()
