"""The command line: `dataops`. It asks the engine and shows the answer; it decides nothing."""

from assets.cli.app import main

__all__ = ["main"]
