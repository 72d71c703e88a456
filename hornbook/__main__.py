"""`python -m hornbook`."""

from hornbook.cli import program

if __name__ == "__main__":
    program()
