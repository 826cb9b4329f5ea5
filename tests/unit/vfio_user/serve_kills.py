#!/usr/bin/env python3
"""F7: a server is killed at a random moment, again and again, and started anew at the same path.

Each time: the client sees its connection end, the new server takes clients, and of what the killed
one knew nothing is left: no queue, no register, no key. Prints how long the start took, from before
the process was there to the client's first reply, and how much of it the server computed: on a
machine that is busy with others the first number is theirs.

Usage: serve_kills.py WARD ROUNDS [SEED]
"""
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import serve_process  # noqa: E402
from serve_process import Client, Server  # noqa: E402


def work(client, ready):
    """Until the server is gone; then returns how that looked."""
    try:
        client.ready()
        assert client.read(serve_process.SCRATCH) == 0, "a register of the killed server"
        assert client.read(serve_process.QUEUE_CONTROL) == 0, "a queue of the killed server"
        epoch = client.read(serve_process.KEY_EPOCH)
        ready.set()
        for value in range(1, 1 << 30):
            client.write(serve_process.SCRATCH, value)
            if client.read(serve_process.SCRATCH) != value:
                return "a register read wrong"
            if client.read(serve_process.KEY_EPOCH) != epoch:
                return "a key epoch that grew"
            if value == 20:
                client.wedge()  # from here on the kill comes amid a wait for memory
                client.take(1 << 20)
    except (EOFError, ConnectionError):
        return "end"
    except Exception as trouble:  # pylint: disable=broad-except
        return repr(trouble)
    return "no end"


def computed_ms(process_id):
    """Processor time of all threads that live (/proc/PID/task/TID/schedstat, nanoseconds)."""
    folder = f"/proc/{process_id}/task"
    total = 0
    for thread in os.listdir(folder):
        with open(f"{folder}/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def one_round(ward, arguments, path, dice):
    """Milliseconds from the start of the process to the first reply, and of its own work in them."""
    start = time.monotonic()
    with Server(ward, *arguments) as server, Client(path) as client:
        ready, outcome = threading.Event(), []
        worker = threading.Thread(target=lambda: outcome.append(work(client, ready)))
        worker.start()
        if not ready.wait(60):
            server.kill()
        took = (time.monotonic() - start) * 1000
        computed = computed_ms(server.pid)
        time.sleep(dice.random() * 0.02)
        server.kill()
        worker.join(60)
        if outcome != ["end"]:
            raise SystemExit(f"FAIL: the client saw {outcome} and the server said {server.said()}")
        return took, computed


def main():
    ward, rounds = sys.argv[1], int(sys.argv[2])
    seed = serve_process.seed_of(sys.argv, 3)
    dice = random.Random(seed)
    if rounds < 1:
        raise SystemExit("FAIL: no round was asked for")
    with tempfile.TemporaryDirectory() as folder:
        identity, path = os.path.join(folder, "identity"), os.path.join(folder, "gpu.sock")
        subprocess.run([ward, "identity", "create", identity], check=True,
                       stdout=subprocess.DEVNULL)
        arguments = ["--socket", path, "--identity", identity, "--vram", "1M", "--protected", "1M"]
        taken = [one_round(ward, arguments, path, dice) for _ in range(rounds)]
        assert os.path.exists(path), "a killed server can't take its socket away"
    serve_process.report_tries(len(taken))
    times, computed = (sorted(column) for column in zip(*taken))
    print(f"{len(times)} kills survived of {rounds}; restart to first reply: median "
          f"{statistics.median(times):.1f} ms, greatest {times[-1]:.1f} ms; of it computed: median "
          f"{statistics.median(computed):.1f} ms, greatest {computed[-1]:.1f} ms (seed {seed})")


if __name__ == "__main__":
    main()
