"""A tool that this one needs did not do its work."""


class ToolFailed(Exception):
    """The text says what failed, and what to look at."""

    exit_code = 1


class Unwritable(ToolFailed):
    """What was to be written could not be."""

    exit_code = 2


class NotBuilt(ToolFailed):
    """A program that is not there; the text names the command that builds it."""

    exit_code = 2


def need_program(path, command: str) -> None:
    if not path.is_file():
        raise NotBuilt(f"there is no {path}; build it with: {command}")
