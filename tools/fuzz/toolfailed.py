"""A tool that this one needs did not do its work."""


class ToolFailed(Exception):
    """The text says what failed, and what to look at."""
