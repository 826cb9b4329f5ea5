#!/usr/bin/env python3
"""The device saved and brought back by a packaged QEMU: savevm, loadvm, migration to another QEMU,
without keys and sealed (docs/spec/saved-state.md). Keys and pixels have the openssl program as the
other party (saved_machine.py).
"""

import os
import shutil
import subprocess

import saved_machine
from bare_machine import MSIX, PLUGIN, VRAM, BareMachine, pack
from saved_machine import (KEYED, LOST, PENDING, SESSION_KEY, WORD, Saved, openssl, run_tests,
                           wait)
from test_qemu_device import (FENCE, IDLE, INTERRUPT_CAUSE, INTERRUPT_ENABLE, KEY_EPOCH, KEYS_LOST,
                              LOCAL, MESSAGE, MSIX_CAPABILITY, QUEUE, SCRATCH, KernelQueue, fence,
                              fill)
from vm.shell import COMMAND, Shell
from vm.snapshot import Snapshot


class Snapshots(Saved):
    def add_disk(self, machine):
        """A qcow2 image that QEMU itself makes; snapshots need one."""
        path = str(machine.folder / "disk")
        for job, options in (
                ("file", {"driver": "file", "filename": path, "size": 0}),
                ("disk", {"driver": "qcow2", "file": "file0", "size": 1 << 20})):
            machine.monitor.execute("blockdev-create", job_id=job, options=options)
            self.wait_until(lambda: any(j["id"] == job and j["status"] == "concluded"
                                        for j in machine.monitor.execute("query-jobs")), job)
            machine.monitor.execute("job-dismiss", id=job)
            if job == "file":
                machine.monitor.execute("blockdev-add", driver="file", filename=path,
                                        node_name="file0")
        machine.monitor.execute("blockdev-add", driver="qcow2", file="file0", node_name="disk0")

    def command(self, machine, line):
        return machine.monitor.execute("human-monitor-command", command_line=line, timeout_s=60)

    def replay(self, recording):
        result = subprocess.run([saved_machine.WARD, "replay", recording, "--key", self.seal],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_a_snapshot_that_comes_back_is_a_part_of_a_recording(self):
        recording = self.folder / "run.rec"
        with self.machine(properties=f"record={recording},record-key={self.seal}") as machine:
            self.add_disk(machine)
            self.set_up(machine)
            self.assertEqual(self.command(machine, "savevm first"), "")
            machine.set_register(SCRATCH, 99)
            self.assertEqual(self.command(machine, "loadvm first"), "")
            self.assertNotEqual(machine.register(SCRATCH), 99)
            self.session = self.create_keyed_session(KernelQueue(machine))
            machine.monitor.execute("quit")
            machine.process.wait(20)
        self.assertIn("state hash", self.replay(recording))

    def test_a_sealed_snapshot_that_comes_back_ends_a_recording(self):
        recording = self.folder / "run.rec"
        with self.machine(sealed=True,
                          properties=f"record={recording},record-key={self.seal}") as machine:
            self.add_disk(machine)
            self.set_up(machine)
            self.assertEqual(self.command(machine, "savevm first"), "")
            self.assertEqual(self.command(machine, "loadvm first"), "")
            self.wait_until(lambda: "goes on from a sealed state" in machine.log.read_text(),
                            "the warning")
        self.assertIn("sealed state loaded", self.replay(recording))

    def test_a_snapshot_comes_back_without_keys_as_often_as_one_likes(self):
        with self.machine() as machine:
            self.add_disk(machine)
            queue = self.set_up(machine)
            epoch, last, session = machine.register(KEY_EPOCH), self.fence, self.session
            self.assertEqual(self.command(machine, "savevm first"), "")
            # The machine that was saved goes on with its keys.
            self.assertEqual(self.state_of(queue), KEYED)
            self.assert_decrypts(queue)
            for _ in range(2):
                machine.write(VRAM + 0x10000, bytes(len(WORD)))
                self.assertEqual(self.command(machine, "loadvm first"), "")
                again, self.fence, self.session = KernelQueue.__new__(KernelQueue), last, session
                again.machine, again.ring = machine, queue.ring
                again.tail = machine.register(QUEUE + 0x24)
                self.assertEqual(machine.read32(PENDING) & 1, 1)
                self.assert_lost(again, epoch)

    def test_a_refused_snapshot_leaves_a_device_that_was_reset_and_works(self):
        with self.machine(sealed=True) as machine:
            self.add_disk(machine)
            self.set_up(machine)
            self.assertEqual(self.command(machine, "savevm first"), "")
            self.assertEqual(self.command(machine, "loadvm first"), "")
            for after in ("cont", "system_reset", "loadvm"):
                machine.set_register(SCRATCH, 0x7777)
                machine.write(VRAM + 0x10000, bytes(len(WORD)))
                self.assertIn("rror", self.command(machine, "loadvm first"))
                self.assertEqual(machine.monitor.execute("query-status")["running"], False)
                # Nothing of the snapshot is in the function: no place, no power, no vector.
                self.assertEqual(machine.read_config(0x04) & 7, 0)
                self.assertEqual([machine.read_config(at) & ~0xf for at in (0x10, 0x18, 0x20)],
                                 [0, 0, 0])
                control = machine.find_capability(MSIX_CAPABILITY)
                self.assertEqual(machine.read_config(control) >> 31, 0)
                machine.map_bars()
                self.assertEqual([machine.register(at) for at in (SCRATCH, QUEUE, INTERRUPT_ENABLE)],
                                 [0, 0, 0])
                self.assertEqual(machine.read32(PENDING), 0)
                self.assertEqual(machine.read(VRAM + 0x10000, len(WORD)), WORD)
                if after == "loadvm":  # of another
                    self.assertEqual(self.command(machine, "loadvm good"), "")
                else:
                    machine.monitor.execute(after)
                if after == "system_reset":
                    self.wait_until(lambda: machine.read_config(0x04) & 7 == 0, "the reset")
                    machine.map_bars()
                machine.monitor.execute("cont")
                self.assert_works(machine)
                self.session = self.create_keyed_session(KernelQueue(machine))
                if after == "system_reset":
                    self.assertEqual(self.command(machine, "savevm good"), "")

    def test_a_sealed_snapshot_takes_the_keys_along_and_comes_back_once(self):
        with self.machine(sealed=True) as machine:
            self.add_disk(machine)
            queue = self.set_up(machine)
            tail, last, session = queue.tail, self.fence, self.session
            shown = self.expected_screen(self.ciphertext, 1)
            self.assertEqual(self.view(machine), shown)
            self.assertEqual(self.command(machine, "savevm first"), "")
            # Handed over: what goes on here goes on without.
            self.assertEqual(self.state_of(queue), LOST)
            self.assertEqual(self.command(machine, "loadvm first"), "")
            queue.tail, self.fence, self.session = tail, last, session
            self.assertEqual(self.view(machine), shown)
            self.assertEqual(self.state_of(queue), KEYED)
            self.assert_decrypts(queue)
            answer = self.command(machine, "loadvm first")
            self.assertIn("rror", answer)
            self.assertIn("resumed before", machine.log.read_text() + answer)

    def test_two_sealed_snapshots_of_one_moment_bring_the_keys_back_once(self):
        with self.machine(sealed=True) as machine:
            self.add_disk(machine)
            queue = self.set_up(machine)
            tail, last = queue.tail, self.fence
            count = self.folder / "seal.generation"
            machine.monitor.execute("stop")
            for name in ("first", "second"):
                self.assertEqual(self.command(machine, f"savevm {name}"), "")

            def state_after_load(name):
                answer = self.command(machine, f"loadvm {name}")
                if answer:
                    return answer + machine.log.read_text()
                machine.monitor.execute("cont")
                queue.tail, self.fence = tail, last
                return self.state_of(queue)

            self.assertEqual(state_after_load("first"), KEYED)
            self.assertIn("sealed before another", state_after_load("second"))
            # Nor does a host that does not know of the first one get the keys out of the second.
            count.unlink()
            self.assertEqual(state_after_load("second"), LOST)
            self.assertEqual(machine.register(INTERRUPT_CAUSE) & KEYS_LOST, KEYS_LOST)


class Migration(Saved):
    def migrate(self, source, target):
        path = self.folder / "socket"
        target.monitor.execute("migrate-incoming", uri=f"unix:{path}")
        source.monitor.execute("migrate", uri=f"unix:{path}")
        self.wait_migration(source)
        self.wait_until(lambda: target.monitor.execute("query-status")["running"], "the target", 60)

    def test_another_qemu_goes_on_without_keys(self):
        with self.machine() as source, self.incoming() as target:
            queue = self.set_up(source)
            epoch = source.register(KEY_EPOCH)
            self.migrate(source, target)
            self.assertEqual(target.read32(PENDING) & 1, 1)
            self.assert_lost(self.take_over(queue, target), epoch)

    def test_sealed_keys_and_pixels_go_to_another_qemu(self):
        with self.machine(sealed=True) as source, self.incoming(sealed=True) as target:
            queue = self.set_up(source)
            epoch = source.register(KEY_EPOCH)
            self.migrate(source, target)
            self.assertEqual(self.view(target), self.expected_screen(self.ciphertext, 1))
            self.assertEqual(target.register(KEY_EPOCH), epoch)
            self.assertEqual(target.register(INTERRUPT_CAUSE), 1)
            self.assertEqual(target.read32(PENDING), 1)
            there = self.take_over(queue, target)
            self.assertEqual(self.state_of(there), KEYED)
            self.assert_decrypts(there)
            # The one that was left has handed its keys over.
            source.monitor.execute("cont")
            self.wait_until(lambda: source.register(KEY_EPOCH) == epoch + 1, "the tear-down")

    def test_jobs_and_waits_in_flight_end_in_the_other_qemu(self):
        count = 24
        with self.machine() as source, self.incoming() as target:
            source.map_bars()
            flag = MESSAGE + 0x800
            source.write64(flag, 0)
            queue = KernelQueue(source)
            source.monitor.execute("stop")
            queue.submit(*[fill(LOCAL, value, 32 << 20, 1) for value in range(count)], fence(1),
                         wait(5, flag), fence(2, interrupt=True))
            source.monitor.execute("cont")
            source.monitor.execute("stop")
            self.assertEqual(source.read64(FENCE), 0)  # 768 MiB are not filled that fast
            self.migrate_stopped(source, target)
            there = self.take_over(queue, target)
            self.wait_until(lambda: target.read64(FENCE) == 1, "the fills' fence", 120)
            self.assertEqual(target.read32(VRAM + (32 << 20) - 4), count - 1)
            self.assertEqual(there.state, 3)  # waits
            target.write64(flag, 5)
            there.ring_doorbell(0)
            self.wait_fence(target, 2)
            self.assertEqual(target.register(INTERRUPT_CAUSE) & 1, 1)
            self.assertEqual(there.state, IDLE)

    def migrate_stopped(self, source, target):
        path = self.folder / "socket"
        target.monitor.execute("migrate-incoming", uri=f"unix:{path}")
        source.monitor.execute("migrate", uri=f"unix:{path}")
        self.wait_migration(source)
        self.wait_until(lambda: target.monitor.execute("query-status")["status"] == "paused",
                        "the target", 60)
        target.monitor.execute("cont")

    def test_what_the_device_writes_to_its_memory_while_it_migrates_moves_too(self):
        # No processor wrote it: only the device can tell QEMU that it changed since it was sent.
        size, ring_bytes = 1 << 20, 4096
        with self.machine() as source, self.incoming() as target:
            source.map_bars()
            for at in range(0, 16 << 20, 1 << 20):  # keeps the first pass busy for a while
                source.write(0x4000000 + at, os.urandom(1 << 20))
            queue = KernelQueue(source)
            count = 0

            def fill_and_look():
                nonlocal count
                count += 1
                source.write(queue.ring + queue.tail,
                             fill(LOCAL, count * 0x10001, size, 1) + fence(count))
                queue.tail = (queue.tail + 64) % ring_bytes
                queue.ring_doorbell(0)
                self.wait_until(lambda: source.read64(FENCE) == count or
                                not source.monitor.execute("query-status")["running"], "the fill")
                return source.monitor.execute("query-migrate").get("status") == "completed"

            fill_and_look()
            self.begin_migration(source, target)
            self.wait_until(fill_and_look, "the migration", 60)
            self.wait_until(lambda: target.monitor.execute("query-status")["running"],
                            "the target", 60)
            self.wait_until(lambda: self.take_over(queue, target).state == IDLE, "the last fill")
            last = target.read64(FENCE)
            self.assertGreater(last, 3)
            self.assertEqual(target.read(VRAM, size), pack("I", last * 0x10001) * (size // 4))

    def test_displays_are_those_of_the_machine_that_goes_on(self):
        hotplug_count, preferred, status = 0x401c, 0x4040 + 4 * 12, 0x400c
        with self.machine(properties="display0=1920x1080") as source, \
                self.incoming(properties="display0=1280x720,display1=on") as target:
            source.map_bars()
            self.migrate(source, target)
            self.assertEqual(target.register(preferred), 720 << 16 | 1280)
            self.assertEqual(target.register(status + 0x100) >> 3 & 1, 1)
            self.assertEqual([target.register(hotplug_count + 0x100 * i) for i in (0, 1)], [1, 1])
            self.assertEqual(target.register(INTERRUPT_CAUSE) >> 21 & 1, 1)

    def test_a_vector_raised_by_the_load_is_sent_when_the_machine_runs(self):
        address, data = 0x2100000, 0x1234
        with self.machine() as source, self.incoming() as target:
            queue = self.set_up(source)
            source.set_register(INTERRUPT_CAUSE, 0xffffffff)
            source.set_register(0x280 + 4 * 18, 3)  # KEYS_LOST sends vector 3
            source.write32(MSIX + 3 * 16, address)
            source.write32(MSIX + 3 * 16 + 8, data)
            source.write32(MSIX + 3 * 16 + 12, 0)
            self.migrate(source, target)
            self.wait_until(lambda: target.read32(address) == data, "the message of the vector")
            self.assertEqual(self.take_over(queue, target).state, IDLE)


class Files(Saved):
    def save(self, **options):
        path = self.folder / "stream"
        with self.machine(**options) as machine:
            self.queue = self.set_up(machine)
            self.save_to(machine, path)
            self.epoch = machine.register(KEY_EPOCH)
        return path

    def test_a_file_without_keys_holds_none_and_serves_any_number_of_times(self):
        path = self.save()
        data = path.read_bytes()
        self.assertIn(WORD, data)
        self.assertNotIn(SESSION_KEY, data)
        pixels = openssl("enc", "-aes-128-ctr", "-K", SESSION_KEY.hex(), "-iv",
                         (bytes(7) + b"\1" + bytes(8)).hex(), data=self.ciphertext)
        for at in range(0, len(pixels), 65536):
            self.assertNotIn(pixels[at:at + 16], data)
        last, session, tail = self.fence, self.session, self.queue.tail
        for _ in range(2):
            with self.incoming() as machine:
                self.load_from(machine, path)
                self.fence, self.session, self.queue.tail = last, session, tail
                self.assert_lost(self.take_over(self.queue, machine), self.epoch)

    def test_a_sealed_file_serves_once(self):
        path = self.save(sealed=True)
        self.assertNotIn(SESSION_KEY, path.read_bytes())
        self.assert_load_is_refused(path, "sealed, and no key was given")
        other = self.folder / "other"
        self.write_key(other)
        self.assert_load_is_refused(path, "sealed under another key",
                                    properties=f"seal-key-file={other}")
        with self.incoming(sealed=True) as machine:
            self.load_from(machine, path)
            self.assertEqual(self.state_of(self.take_over(self.queue, machine)), KEYED)
        self.assert_load_is_refused(path, "resumed before", sealed=True)

    def test_a_file_of_another_device_is_refused(self):
        path = self.save()
        self.assert_load_is_refused(path, "other memory sizes or options",
                                    properties="protected-size=16M")
        shutil.rmtree(self.identity)
        subprocess.run([str(saved_machine.WARD), "identity", "create", str(self.identity)], check=True,
                       stdout=subprocess.DEVNULL)
        self.assert_load_is_refused(path, "another identity")

    def test_a_damaged_file_is_refused(self):
        data = bytearray(self.save().read_bytes())
        at = data.index(b"WARDSAVE")
        data[at + 2000] ^= 1
        path = self.folder / "damaged"
        path.write_bytes(data)
        self.assert_load_is_refused(path, "damaged or cut short")
        path.write_bytes(data[:at + 1000])
        self.assert_load_is_refused(path, "cut short")
        path.write_bytes(data[:at - 8] + (1 << 40).to_bytes(8, "big") + data[at:])
        self.assert_load_is_refused(path, f"calls itself {1 << 40} bytes long")

    def test_options_that_can_not_be_are_refused_with_what_mends_them(self):
        open_key = self.folder / "open"
        open_key.write_bytes(os.urandom(32))
        open_key.chmod(0o640)
        for properties, text in (("seal-key-file=", "seal-key-file is empty: name a file"),
                                 (f"seal-key-file={open_key}", "chmod 600"),
                                 ("protected-size=0", "for example protected-size=256M"),
                                 ("protected-size=16G", "for example protected-size=256M"),
                                 ("protected-size=6000", "for example protected-size=256M")):
            with self.assertRaisesRegex(RuntimeError, text), BareMachine(properties):
                pass

    def test_a_save_without_room_for_its_generation_fails_and_costs_nothing(self):
        with self.machine(sealed=True) as machine:
            queue = self.set_up(machine)
            (self.folder / "seal.generation").mkdir()
            machine.monitor.execute("migrate", uri=f"exec:cat > {self.folder / 'stream'}")
            self.wait_migration(machine, "failed")
            self.assertIn("could not record", machine.log.read_text())
            if not machine.monitor.execute("query-status")["running"]:
                machine.monitor.execute("cont")
            self.assertEqual(self.state_of(queue), KEYED)
            self.assert_decrypts(queue)


class Guest(Saved):
    """A Linux guest that booted once and is restored instead of booting again."""

    # The places of a BAR's registers and of visible memory, as the guest's kernel put them.
    FIND = ("for device in /sys/bus/pci/devices/*; do read -r model <$device/device; "
            "[ $model != 0x5747 ] || break; done; echo 1 >$device/enable; "
            "{ read -r registers rest; read -r rest; read -r vram rest; } <$device/resource")
    SCRATCH_AT, VRAM_AT = f"$((registers + {SCRATCH}))", "$((vram + 0x2345678))"

    def write(self, shell, value):
        for address in (self.SCRATCH_AT, self.VRAM_AT):
            shell.run(f"busybox devmem {address} 32 {value:#x}")
        shell.run(f"word={value}")

    def assert_read(self, shell, value):
        for address in (self.SCRATCH_AT, self.VRAM_AT):
            self.assertEqual(shell.run(f"busybox devmem {address} 32"), [f"0x{value:08X}"])
        self.assertEqual(shell.run("echo $word"), [str(value)])

    def prepare(self, machine):
        shell = Shell(machine)
        shell.run(self.FIND)
        self.write(shell, 0x5eed)

    def test_restored_guests_go_on_where_it_was_and_know_nothing_of_each_other(self):
        snapshot = Snapshot(self.prepare, timeout_s=240, command=COMMAND, memory_mib=256,
                            accel="tcg", devices=[f"ward-gpu,id=gpu0,identity={self.identity}"],
                            qemu_arguments=["-plugin", str(PLUGIN)])
        self.addCleanup(snapshot.close)
        for number in range(2):
            with snapshot.restore() as guest:
                shell = Shell(guest)
                self.assert_read(shell, 0x5eed)
                self.write(shell, number)
                self.assert_read(shell, number)
        with snapshot.restore() as first, snapshot.restore() as second:  # at the same time too
            self.write(Shell(first), 1)
            self.assert_read(Shell(second), 0x5eed)
            self.assert_read(Shell(first), 1)


if __name__ == "__main__":
    run_tests("Saves, restores and migrates machines.")
