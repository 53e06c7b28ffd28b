"""sfpc-book: a reproducible evaluation report book."""

__version__ = "0.1.0"
