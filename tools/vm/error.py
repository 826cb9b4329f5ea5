"""The one exception of this package: what is wrong, where, and what mends it."""


class VmError(Exception):
    """Its text is meant for people; callers print it and stop."""
