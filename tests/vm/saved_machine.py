"""Machines that are saved and brought back: a session with pixels on the screen, what has to hold
afterwards, and the openssl program as the other party. No guest: the test is the processor.
"""

import argparse
import os
import subprocess
import sys
import unittest
from pathlib import Path

from bare_machine import MSIX, PLUGIN, ROOT, VRAM, BareMachine, pack
from test_qemu_device import (AES128_CTR, HEIGHT, INTERRUPT_CAUSE, INTERRUPT_ENABLE, KEY_EPOCH,
                              KEYS_LOST, MESSAGE, MSIX_CAPABILITY, OUTPUT_CONTROL, PROTECTED,
                              QUEUE, REFUSAL_STATUS, RSAES_OAEP, SCRATCH, WIDTH, DeviceTest,
                              KernelQueue, fence, flip)
from vm.scratch import ScratchFolder

WARD = Path(os.environ.get("WARD_TOOL", ROOT / "build/release/emulator/cli/ward"))
CREATE_SESSION, NEGOTIATE, QUERY_SESSION = 1, 4, 7
KEYED, LOST = 1, 3
PENDING = MSIX + 0x800
CIPHERTEXT = 0x3000000  # in guest memory
FRAME_BYTES = WIDTH * HEIGHT * 4
SESSION_KEY = bytes.fromhex("9a1fe347b06cd2853e71f82bc45906ad")
WORD = b"what visible memory held"


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


def wait(value, address):
    return pack("HHIQQQ", 0x0003, 0, 32, address, value, 0)


class Saved(DeviceTest):
    def begin_migration(self, source, target):
        """Slow enough that the source works on meanwhile."""
        path = self.folder / "socket"
        target.monitor.execute("migrate-incoming", uri=f"unix:{path}")
        source.monitor.execute("migrate-set-parameters", max_bandwidth=16 << 20)
        source.monitor.execute("migrate", uri=f"unix:{path}")

    def setUp(self):
        scratch = ScratchFolder("ward-state-")
        self.addCleanup(scratch.remove)
        self.folder = scratch.path
        self.identity = self.folder / "identity"
        subprocess.run([str(WARD), "identity", "create", str(self.identity)], check=True,
                       stdout=subprocess.DEVNULL)
        self.seal = self.folder / "seal"
        self.write_key(self.seal)

    def write_key(self, path):
        path.touch(mode=0o600)
        path.write_bytes(os.urandom(32))

    def machine(self, sealed=False, properties="", after=()):
        device = f"identity={self.identity}"
        if sealed:
            device += f",seal-key-file={self.seal}"
        return BareMachine(f"{device},{properties}" if properties else device, after=after)

    def incoming(self, **options):
        return self.machine(after=["-incoming", "defer"], **options)

    # What the machine does before it is saved.

    def send(self, queue, message, payload, answer_bytes=64):
        """A security message, and the words of its answer."""
        padding = bytes(-len(payload) % 16)
        self.fence += 1
        queue.machine.write(MESSAGE, bytes(answer_bytes))
        queue.submit(pack("HHIIIQII", 0x0050, 0, 32 + len(payload) + len(padding), message,
                          len(payload), MESSAGE, answer_bytes, 0) + payload + padding,
                     fence(self.fence))
        self.wait_fence(queue.machine, self.fence)
        answer = queue.machine.read(MESSAGE, answer_bytes)
        return [int.from_bytes(answer[at:at + 4], "little") for at in range(0, answer_bytes, 4)]

    def wrap(self, secret):
        """The blob that carries it to the device."""
        public = self.folder / "public.pem"
        public.write_bytes(openssl("x509", "-in", str(self.identity / "device.pem"), "-pubkey",
                                   "-noout"))
        return openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", str(public),
                       "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha512",
                       "-pkeyopt", "rsa_mgf1_md:sha512", data=secret)

    def create_keyed_session(self, queue):
        answer = self.send(queue, CREATE_SESSION, AES128_CTR + bytes(16) + RSAES_OAEP)
        self.assertEqual(answer[0], 0)
        session = answer[4]
        blob = self.wrap(SESSION_KEY)
        self.assertEqual(self.send(queue, NEGOTIATE, pack("II", session, len(blob)) + blob)[0], 0)
        return session

    def decrypt(self, session, iv_byte):
        return pack("HHIIIQQ16sIII20x", 0x0020, 0, 80, session, FRAME_BYTES, PROTECTED, CIPHERTEXT,
                    bytes(7) + bytes([iv_byte]) + bytes(8), 0, 0, 0)

    def expected_screen(self, ciphertext, iv_byte):
        pixels = openssl("enc", "-aes-128-ctr", "-K", SESSION_KEY.hex(), "-iv",
                         (bytes(7) + bytes([iv_byte]) + bytes(8)).hex(), data=ciphertext)
        screen = bytearray(3 * WIDTH * HEIGHT)
        for color in range(3):
            screen[color::3] = pixels[2 - color::4]
        return WIDTH, HEIGHT, bytes(screen)

    def set_up(self, machine):
        """A session with pixels on the screen, a word in visible memory, a vector behind its mask."""
        machine.map_bars()
        self.fence = 0
        self.ciphertext = os.urandom(4096) * (FRAME_BYTES // 4096)
        machine.write(CIPHERTEXT, self.ciphertext)
        machine.write(VRAM + 0x10000, WORD)
        queue = KernelQueue(machine)
        self.session = self.create_keyed_session(queue)
        machine.set_register(OUTPUT_CONTROL, 1)
        self.fence += 1
        queue.submit(self.decrypt(self.session, 1), flip(PROTECTED), fence(self.fence))
        self.wait_fence(machine, self.fence)
        self.assertEqual(machine.register(QUEUE + REFUSAL_STATUS), 0)
        machine.set_register(SCRATCH, 0x5eed)
        machine.set_register(INTERRUPT_CAUSE, 0xffffffff)
        control = machine.find_capability(MSIX_CAPABILITY)
        machine.write_config(control, machine.read_config(control) | 1 << 31)  # all masked
        machine.set_register(INTERRUPT_ENABLE, 1 | KEYS_LOST)
        self.fence += 1
        queue.submit(fence(self.fence, interrupt=True))
        self.wait_fence(machine, self.fence)
        self.assertEqual(machine.read32(PENDING), 1)
        return queue

    def take_over(self, queue, machine):
        """The queue of a machine that was saved, in the one that goes on."""
        again = object.__new__(KernelQueue)
        again.machine, again.ring, again.tail = machine, queue.ring, queue.tail
        return again

    def view(self, machine):
        machine.monitor.set_property("/machine/peripheral/gpu0", "view", "operator")
        return machine.take_screenshot()

    def state_of(self, queue):
        return self.send(queue, QUERY_SESSION, pack("II", self.session, 0))[4]

    # What has to hold afterwards.

    def assert_lost(self, queue, epoch):
        machine = queue.machine
        self.assertEqual(machine.register(KEY_EPOCH), epoch + 1)
        self.assertEqual(machine.register(INTERRUPT_CAUSE), 1 | KEYS_LOST)
        self.assertEqual(machine.register(SCRATCH), 0x5eed)
        self.assertEqual(machine.read(VRAM + 0x10000, len(WORD)), WORD)
        self.assertEqual(self.view(machine), (WIDTH, HEIGHT, bytes(3 * WIDTH * HEIGHT)))
        self.assertEqual(self.state_of(queue), LOST)
        self.session = self.create_keyed_session(queue)
        self.assert_decrypts(queue)

    def assert_decrypts(self, queue, iv_byte=9):
        self.fence += 1
        queue.submit(self.decrypt(self.session, iv_byte), flip(PROTECTED), fence(self.fence))
        self.wait_fence(queue.machine, self.fence)
        self.assertEqual(self.view(queue.machine), self.expected_screen(self.ciphertext, iv_byte))

    def save_to(self, machine, path):
        machine.monitor.execute("migrate", uri=f"exec:cat > {path}")
        self.wait_migration(machine)

    def wait_migration(self, machine, wanted="completed"):
        def settled():
            status = machine.monitor.execute("query-migrate").get("status")
            self.assertNotIn(status, {"failed", "cancelled"} - {wanted}, machine.log.read_text())
            return status == wanted
        self.wait_until(settled, "the end of the migration", 60)

    def load_from(self, machine, path):
        machine.monitor.execute("migrate-incoming", uri=f"exec:cat {path}")
        self.wait_until(
            lambda: machine.monitor.execute("query-status")["status"] not in ("inmigrate",),
            "the machine", 60)
        if machine.monitor.execute("query-status")["status"] != "running":
            machine.monitor.execute("cont")

    def assert_load_is_refused(self, path, text, **options):
        with self.incoming(**options) as machine:
            machine.monitor.execute("migrate-incoming", uri=f"exec:cat {path}")
            self.assertEqual(machine.process.wait(60), 1)
            self.assertIn(text, machine.log.read_text())


def run_tests(description):
    """What a file of these tests does as a program."""
    global WARD  # the option says where it is
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build-dir", type=Path, help="the release build, for its ward tool")
    options, rest = parser.parse_known_args()
    if options.build_dir:
        WARD = options.build_dir.resolve() / "emulator/cli/ward"
    for needed, command in ((PLUGIN, "./dev build device"), (WARD, "./dev build release")):
        if not needed.exists():
            sys.exit(f"{needed} is not there: {command}")
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
