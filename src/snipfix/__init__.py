"""snipfix: audits the code in documents by running it, and repairs what is broken with proven edits."""

__version__ = "0.1.0"
