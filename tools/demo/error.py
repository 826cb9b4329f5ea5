"""The one exception of the demo: what is wrong, in a line, and what mends it."""


class DemoError(Exception):
    """Its text is meant for people."""
