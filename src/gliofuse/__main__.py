"""``python -m gliofuse`` is the command line."""

from gliofuse.cli import main

if __name__ == "__main__":
    main()
