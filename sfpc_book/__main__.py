"""`python -m sfpc_book`: the command line without installing anything."""

from sfpc_book.cli import main

if __name__ == "__main__":
    main()
