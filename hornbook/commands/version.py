"""The command `hornbook version`, which is also `hornbook --version`. No TensorFlow."""

from hornbook.commands.options import examples

__all__ = ["COMMANDS", "version"]


def version() -> None:
    """Print the versions of Hornbook and what it stands on."""
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    from hornbook import __version__

    print(f"hornbook {__version__}")
    for package in ("tensorflow", "keras", "keras-tuner", "numpy"):
        try:
            print(f"{package} {version_of(package)}")
        except PackageNotFoundError:
            print(f"{package} is missing")
    print(f"python {platform.python_version()}")


COMMANDS = ((version, examples("hornbook version")),)
