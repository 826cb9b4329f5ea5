"""The soak: the whole stack runs for long, and what its processes hold is watched.

growth: how fast a series grows. process: what a process holds. stack: the chip, its server and its
players. soak: all of it, and the verdict.
"""
