"""What the terminal shows: one line a step, with its time and its result, in ./dev's columns."""

import os
import sys
import time


class Story:
    def __init__(self) -> None:
        self._start = self._step_start = time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._is_colored = self._is_terminal and not os.environ.get("NO_COLOR")
        self.step_seconds = {}  # step -> seconds, in order

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._start

    def tell(self, step: str, text: str, is_good: bool = True) -> None:
        """The step that has just ended; the time since the last one is its own."""
        now = time.monotonic()
        seconds = now - self._step_start
        self.step_seconds[step] = round(seconds, 2)
        state = self._paint("ok", "32") + "  " if is_good else self._paint("FAIL", "31")
        self._print(f"{state}  {step:<28} {seconds:7.1f} s  {text}")
        self._step_start = now

    def add(self, text: str) -> None:
        """Something that belongs to the step that was told last."""
        self._print(f"      {text}")

    def add_step(self, name: str, result: str, text: str) -> None:
        """A step of the player, within the step that is still to be told."""
        self._print(f"      {name:<25} {result:>12}  {text}")

    def note(self, text: str) -> None:
        self._print(f"{self._paint('note', '33')}  {text}")

    def show_progress(self, text: str) -> None:
        """A line that the next one replaces; nothing where there is no terminal."""
        if self._is_terminal:
            print(f"\r\033[K...   {text}", end="", flush=True)

    def _print(self, line: str) -> None:
        clear = "\r\033[K" if self._is_terminal else ""
        print(clear + line, flush=True)

    def _paint(self, word: str, color: str) -> str:
        return f"\033[{color}m{word}\033[0m" if self._is_colored else word
