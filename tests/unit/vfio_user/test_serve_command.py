#!/usr/bin/env python3
"""`ward serve` as a process: options, readiness, sockets, signals, the sandbox, its end.

Usage: test_serve_command.py WARD sandboxed|sanitized
"""
import ctypes
import errno
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import serve_process  # noqa: E402
from serve_process import Client, Server  # noqa: E402

SANDBOXED = sys.argv.pop() == "sandboxed"
WARD = sys.argv.pop()
TGKILL = 234  # x86-64


class ServeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared.cleanup)
        cls.identity = os.path.join(cls.shared.name, "identity")
        subprocess.run([WARD, "identity", "create", cls.identity], check=True,
                       stdout=subprocess.DEVNULL)
        cls.small = ["--identity", cls.identity, "--vram", "1M", "--protected", "1M"]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, "gpu.sock")

    def serve(self, *arguments, **options):
        return Server(WARD, *self.small, *(arguments or ("--socket", self.path)), **options)

    def run_ward(self, *arguments):
        return subprocess.run([WARD, "serve", *arguments], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)

    def assert_serves(self, path=None):
        with Client(path or self.path) as client:
            client.ready()
            self.assertEqual(client.read(serve_process.MAGIC), serve_process.WARD_MAGIC)


class Options(ServeTest):
    def refuse(self, code, arguments, *texts):
        with self.subTest(arguments=arguments):
            done = self.run_ward(*arguments)
            self.assertEqual(done.returncode, code, done.stdout)
            for text in texts:
                self.assertIn(text, done.stdout)
            self.assertNotIn("terminate", done.stdout)

    def test_what_can_not_be_done_says_what_mends_it(self):
        at = ["--socket", self.path, "--identity", self.identity]
        self.refuse(2, [], "nowhere to listen", "--socket PATH")
        self.refuse(1, ["--socket", ""], "empty", "--socket /tmp/")
        self.refuse(1, ["--socket", self.path + "x" * 108], "at most 107", "shorter")
        self.refuse(1, ["--socket", self.folder + "/none/gpu.sock"], "No such file", "folder")
        self.refuse(1, ["--socket", self.folder], "is no socket")
        self.refuse(1, ["--tcp", "localhost"], "127.0.0.1:7000")
        self.refuse(1, ["--tcp", "0.0.0.0:0"], "--key-file", "/dev/urandom")
        self.refuse(1, ["--tcp", "127.0.0.1:0", "--key-file", self.folder + "/key"], "No such file")
        self.refuse(1, ["--socket", self.path, "--identity", self.folder + "/none"], "identity")
        self.refuse(2, [*at, "--inject", "no-such-fault"], "no-such-fault")
        self.refuse(2, [*at, "--display0", "9x9"], "640x480", "1920x1080")
        self.refuse(1, [*at, "--ready-fd", "99"], "--ready-fd", "99")
        self.assertFalse(os.path.exists(self.path))

    def test_v43_sizes_that_can_not_be_are_refused_with_their_value(self):
        at = ["--socket", self.path, "--identity", self.identity]
        self.refuse(1, [*at, "--vram", "3M"], "3145728")
        self.refuse(1, [*at, "--vram", "512K"], "524288")
        self.refuse(1, [*at, "--vram", "16G"], "17179869184")
        self.refuse(1, [*at, "--protected", "4097"], "4097")
        self.refuse(1, [*at, "--protected", "16G"], "17179869184")

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in (["--sockets", self.path], ["--vram", "much"], ["--latency", "warp"],
                          ["--ready-fd", "x"], ["--spin-us", "x"], ["--spin-us", "-1"],
                          ["--spin-us", "1000001"], ["--workers", "0"], ["--workers", "17"],
                          ["extra"]):
            self.refuse(2, arguments, "--help")
        self.refuse(2, ["--latency", "warp"], "--latency: warp is none of fast, realistic")
        self.refuse(2, ["--trace-form", "xml"], "--trace-form: xml is none of text, log")

    def test_help_says_how_to_begin(self):
        done = self.run_ward("--help")
        self.assertEqual(done.returncode, 0)
        for text in ("--socket", "vfio-user-pci", "share=on", "--key-file"):
            self.assertIn(text, done.stdout)


class Readiness(ServeTest):
    def test_v23_v16_each_device_has_its_line_and_is_served(self):
        other = self.path + "2"
        with self.serve("--socket", self.path, "--socket", other, "--tcp", "127.0.0.1:0") as server:
            self.assertEqual(server.endpoints[:2],
                             ["vfio-user:" + self.path, "vfio-user:" + other])
            self.assertRegex(server.endpoints[2], r"^tcp:127\.0\.0\.1:[1-9]\d*$")
            with Client(self.path) as first, Client(other) as second:
                first.ready().write(serve_process.SCRATCH, 1)
                second.ready().write(serve_process.SCRATCH, 2)
                self.assertEqual(first.read(serve_process.SCRATCH), 1)
                self.assertEqual(second.read(serve_process.SCRATCH), 2)

    def test_a_device_with_workers_of_its_own_serves_and_ends_as_one_without(self):
        with self.serve("--socket", self.path, "--workers", "3") as server:
            with Client(self.path) as client:
                client.ready().write(serve_process.SCRATCH, 7)
                self.assertEqual(client.read(serve_process.SCRATCH), 7)
            threads = len(os.listdir(f"/proc/{server.process.pid}/task"))
            self.assertGreaterEqual(threads, 4)  # the server's own, the device's, and two more
            server.signal()
            self.assertEqual(server.wait(), 0)

    def test_v23_systemd_is_told(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.settimeout(60)
        listener.bind(self.folder + "/notify")
        for name in (self.folder + "/notify",):
            with self.serve(env={**os.environ, "NOTIFY_SOCKET": name}) as server:
                self.assertEqual(listener.recv(100), b"READY=1")
                server.signal()
                self.assertEqual(listener.recv(100), b"STOPPING=1")
                self.assertEqual(server.wait(), 0)

    def test_a_notify_socket_that_nobody_has_harms_nothing(self):
        for name in ("", "@", "/none", "x" * 200):
            with self.serve(env={**os.environ, "NOTIFY_SOCKET": name}):
                self.assert_serves()

    def test_systemd_hands_a_socket_over(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        listener.listen(4)
        log = tempfile.TemporaryFile()
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve "$@" 3<&%d' % listener.fileno(),
             WARD, *self.small], pass_fds=(listener.fileno(),), stdout=log, stderr=log)
        try:
            self.assert_serves()
            process.terminate()
            self.assertEqual(process.wait(30), 0)
            self.assertTrue(os.path.exists(self.path))  # it is systemd's
        finally:
            process.kill()
            process.wait()


class Sockets(ServeTest):
    def test_v22_a_stale_socket_is_replaced_and_a_living_one_is_not(self):
        with self.serve() as server:
            server.kill()
        self.assertTrue(os.path.exists(self.path))
        with self.serve() as server:
            self.assert_serves()
            second = self.run_ward(*self.small, "--socket", self.path)
            self.assertEqual(second.returncode, 1)
            self.assertIn("another server listens", second.stdout)
            self.assert_serves()
            server.signal()
            self.assertEqual(server.wait(), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_v25_the_server_stays_when_its_client_leaves_in_good_order(self):
        with self.serve() as server:
            for _ in range(20):
                self.assert_serves()
            self.assertIsNone(server.process.poll())
            self.assertIn("the client has closed", server.said())


class End(ServeTest):
    def end(self, server, number=signal.SIGTERM):
        start = time.monotonic()
        server.signal(number)
        code = server.wait()
        # Promised is a second; the test's machine may be busy with others.
        self.assertLess(time.monotonic() - start, 10)
        self.assertFalse(os.path.exists(self.path))
        return code

    def test_v4_v13_signals_end_it_in_good_order(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number), self.serve() as server:
                self.assertEqual(self.end(server, number), 0)

    def test_v4_a_stuck_client_does_not_keep_it(self):
        for stuck in ("half", "wedged", "silent", "flood"):
            with self.subTest(stuck), self.serve() as server, Client(self.path) as client:
                if stuck == "half":
                    client.agree().socket.sendall(b"\1\0\1")
                elif stuck == "wedged":
                    client.ready().wedge()
                elif stuck == "flood":
                    client.agree().socket.setblocking(False)
                    try:
                        while True:  # and nobody reads the replies
                            client.send(5, b"\x20" + b"\0" * 7 + b"\2" + b"\0" * 23)
                    except BlockingIOError:
                        pass
                self.assertEqual(self.end(server), 0)

    def test_v13_a_signal_to_any_thread_kills_none(self):
        libc = ctypes.CDLL(None, use_errno=True)
        with self.serve("--socket", self.path, "--socket", self.path + "2") as server:
            threads = [int(name) for name in os.listdir(f"/proc/{server.pid}/task")]
            self.assertGreaterEqual(len(threads), 3)
            for thread in threads:
                if thread != server.pid:
                    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
                        self.assertEqual(
                            libc.syscall(TGKILL, server.pid, thread, int(number)), 0)
            self.assert_serves()
            self.assert_serves(self.path + "2")
            self.assertEqual(self.end(server), 0)

    def test_a_device_that_looks_for_input_serves_and_ends(self):
        for spin_us in ("0", "1000000"):
            with self.serve("--socket", self.path, "--spin-us", spin_us) as server:
                self.assert_serves()
                with Client(self.path) as client:
                    client.ready()
                    self.assertEqual(self.end(server), 0, spin_us)

    def test_sigusr1_is_no_end(self):
        with self.serve() as server:
            server.signal(signal.SIGUSR1)
            self.assert_serves()
            self.assertEqual(self.end(server), 0)

    @unittest.skipUnless(SANDBOXED, "a sanitizer needs more addresses than there are")
    def test_v14_a_device_that_fails_ends_the_process_with_an_exit_code(self):
        with self.serve() as server:
            status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
            size = next(int(line.split()[1]) for line in status.splitlines()
                        if line.startswith("VmData:")) * 1024 + (512 << 10)
            resource.prlimit(server.pid, resource.RLIMIT_DATA, (size, size))
            try:
                with Client(self.path) as client:
                    client.agree()
                    # A body that there is no memory for.
                    client.socket.sendall(b"\1\0\1\0" + (1 << 20).to_bytes(4, "little") + bytes(64))
                    client.take(16)
            except (OSError, EOFError):
                pass
            self.assertEqual(server.wait(), 1)
            self.assertIn("fails:", server.said())

    def test_v4_a_log_that_nobody_reads_does_not_keep_it(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"." * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        process = subprocess.Popen([WARD, "serve", *self.small, "--socket", self.path],
                                   stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        os.close(writer)
        try:
            limit = time.monotonic() + 60
            while not os.path.exists(self.path) and time.monotonic() < limit:
                time.sleep(0.01)
            for _ in range(10):
                try:
                    self.assert_serves()
                except ConnectionRefusedError:  # bound and not listening yet
                    time.sleep(0.05)
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()


class Polling(ServeTest):
    def report_of(self, *options, reads=0, until=""):
        """The report of a client that read one register `reads` times, or until the report has a text."""
        report = os.path.join(self.folder, "report.txt")
        with self.serve("--socket", self.path, "--report", report, *options) as server, \
                Client(self.path) as client:
            client.ready()
            limit = time.monotonic() + 60
            for _ in range(reads):
                client.read(serve_process.MAGIC)
            while until not in pathlib.Path(report).read_text() and time.monotonic() < limit:
                client.read(serve_process.MAGIC)
            client.close()
            server.signal()
            self.assertEqual(server.wait(), 0)
        return pathlib.Path(report).read_text()

    def test_poll_reads_and_poll_ms_say_from_when_a_loop_is_told(self):
        told, never = "driver polls DEVICE_MAGIC", str(2**32 - 1)
        self.assertIn(told, self.report_of("--poll-reads", "50", "--poll-ms", never, until=told))
        self.assertNotIn(told, self.report_of("--poll-reads", "500", "--poll-ms", never, reads=200))
        self.assertIn(told, self.report_of("--poll-reads", never, "--poll-ms", "1", until=told))
        # 0 is as if it were not given: 10,000 reads.
        self.assertNotIn(told, self.report_of("--poll-reads", "0", "--poll-ms", never, reads=200))

    def test_what_is_no_number_of_32_bits_is_refused(self):
        for option in ("--poll-reads", "--poll-ms"):
            for value in ("-1", "4294967296", "many"):
                done = self.run_ward("--socket", self.path, option, value)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(option, done.stdout)
                self.assertIn("ward serve --help", done.stdout)


class Files(ServeTest):
    def test_v64_files_that_are_not_whole_are_told_and_exit_code_1(self):
        arguments = ["--socket", self.path, "--trace", "/dev/full"]
        with self.serve(*arguments) as server:
            self.assert_serves()
            self.assert_serves()
            server.signal()
            self.assertEqual(server.wait(), 1)
            said = server.said()
            # When it happens, and at the end.
            self.assertEqual(said.count("the trace /dev/full ends: No space left"), 2, said)

    def test_v64_a_recording_that_ends_is_told(self):
        record = os.path.join(self.folder, "gpu.rec")
        key = os.path.join(self.folder, "key")
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(bytes(range(32)))
        with self.serve("--socket", self.path, "--record", record, "--record-key", key,
                        restore_signals=False) as server:  # SIGXFSZ stays ignored
            with Client(self.path) as client:
                client.ready()  # has its visible VRAM, which is a file too
                limit = os.path.getsize(record) + 1000
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, limit))
                for _ in range(200):
                    self.assertEqual(client.read(serve_process.MAGIC), serve_process.WARD_MAGIC)
            server.signal()
            self.assertEqual(server.wait(), 1)
            self.assertIn("gpu.rec ends, it could not be written: File too large", server.said())

    def test_v65_standard_error_that_nobody_reads_holds_up_no_device(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        process = subprocess.Popen(
            [WARD, "serve", *self.small, "--socket", self.path, "--trace", "-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        try:
            limit = time.monotonic() + 60
            while True:
                try:
                    client = Client(self.path)
                    break
                except OSError:
                    self.assertLess(time.monotonic(), limit)
                    time.sleep(0.02)
            with client:
                client.ready()
                for _ in range(3000):  # more lines than a pipe has room for
                    client.read(serve_process.MAGIC)
                for _ in range(3):
                    process.send_signal(signal.SIGUSR1)
                self.assertEqual(client.read(serve_process.MAGIC), serve_process.WARD_MAGIC)
            self.assert_serves()
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()

    def test_v66_a_pipe_that_nobody_reads_is_refused_at_once(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for option in ("--trace", "--pcap", "--report"):
            with self.subTest(option):
                done = self.run_ward(*self.small, "--socket", self.path, option, pipe)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("can't be written to " + pipe, done.stdout)
        done = subprocess.run([WARD, "info", "-f", "tcp:127.0.0.1:1,key=" + pipe],
                              stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60)
        self.assertNotEqual(done.returncode, 0, done.stderr)

    def test_v66_a_pipe_whose_reader_sleeps_ends_the_trace_alone(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        with self.serve("--socket", self.path, "--trace", pipe) as server:
            with Client(self.path) as client:
                client.ready()
                for _ in range(3000):
                    client.read(serve_process.MAGIC)
            self.assert_serves()
            server.signal()
            self.assertEqual(server.wait(), 1)
            self.assertIn("nobody reads it", server.said())


class Sandbox(ServeTest):
    def modes(self, server):
        found = set()
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            status = pathlib.Path(f"/proc/{server.pid}/task/{thread}/status").read_text()
            found |= {line.split()[1] for line in status.splitlines() if line.startswith("Seccomp:")}
        return found

    @unittest.skipUnless(SANDBOXED, "a sanitizer's runtime needs more system calls")
    def test_all_threads_are_in_it_and_serve(self):
        with self.serve("--socket", self.path, "--socket", self.path + "2") as server:
            self.assertEqual(self.modes(server), {"2"})
            self.assert_serves()
            with Client(self.path) as client:
                client.ready().wedge()
            self.assert_serves()
            server.signal()
            self.assertEqual(server.wait(), 0)

    def test_p14_v61_huge_pages_that_are_not_there_end_nothing(self):
        other = self.path + "2"
        with self.serve("--socket", self.path, "--socket", other) as server:
            with Client(other) as neighbour, Client(self.path) as client:
                neighbour.ready()
                client.ready()
                try:
                    huge = os.memfd_create("huge", os.MFD_CLOEXEC | os.MFD_HUGETLB)
                except OSError:
                    self.skipTest("this kernel has no huge pages")
                self.addCleanup(os.close, huge)
                size = os.fstat(huge).st_blksize
                os.ftruncate(huge, size)
                client.map(size, huge)
                os.ftruncate(huge, 0)  # not there, whatever the host has
                client.ring()
                # The chip has looked when the queue says that it failed.
                limit = time.monotonic() + 60
                while client.read(serve_process.QUEUE_STATUS) & 7 != serve_process.FAULTED:
                    self.assertLess(time.monotonic(), limit)
                self.assertEqual(neighbour.read(serve_process.MAGIC), serve_process.WARD_MAGIC)
            server.signal()
            self.assertEqual(server.wait(), 0)

    def hard_core_limit(self, server):
        """Not the soft one: AddressSanitizer lowers that itself."""
        lines = pathlib.Path(f"/proc/{server.pid}/limits").read_text().splitlines()
        return next(line.split()[-2] for line in lines if line.startswith("Max core file size"))

    def test_p4_no_core_file_unless_asked_for(self):
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if hard == 0:
            self.skipTest("core files are ruled out for this test already (ulimit -Hc)")
        with self.serve() as server:
            self.assertEqual(self.hard_core_limit(server), "0")
            self.assert_serves()
        with self.serve("--socket", self.path, "--core-dumps") as server:
            self.assertEqual(self.hard_core_limit(server),
                             "unlimited" if hard == resource.RLIM_INFINITY else str(hard))
            self.assert_serves()

    def test_no_sandbox_is_none(self):
        with self.serve("--socket", self.path, "--no-sandbox") as server:
            self.assertEqual(self.modes(server), {"0"})
            self.assert_serves()

    def test_p14_many_connections_at_once_leave_a_server_that_serves(self):
        with self.serve() as server:
            with Client(self.path) as first:
                first.ready()
                crowd = []
                for _ in range(200):
                    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    client.setblocking(False)
                    try:
                        client.connect(self.path)
                    except BlockingIOError as error:
                        self.assertEqual(error.errno, errno.EAGAIN)
                    crowd.append(client)
                self.assertEqual(first.read(serve_process.MAGIC), serve_process.WARD_MAGIC)
                for client in crowd:
                    client.close()
                self.assertEqual(first.read(serve_process.MAGIC), serve_process.WARD_MAGIC)
            limit = time.monotonic() + 60
            while True:  # those of the crowd that were taken are let go one by one
                try:
                    self.assert_serves()
                    break
                except OSError:
                    self.assertLess(time.monotonic(), limit)
                    time.sleep(0.05)
            self.assertLess(server.said().count("\n"), 100)


if __name__ == "__main__":
    unittest.main()
