"""An X server without a screen, whose picture is a file (XWDFile.h of X11's protocol headers)."""

import os
import socket
import struct
import subprocess

from vm.scratch import ScratchFolder

HEADER = struct.Struct(">25I")
COLOR_BYTES = 12


class XScreen:
    """Use as a context manager. `display` is what DISPLAY has to be for its clients."""

    def __init__(self, width, height):
        self._size = f"{width}x{height}x24"

    def __enter__(self):
        self._scratch = ScratchFolder("ward-x-")
        told, tell = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["Xvfb", "-displayfd", str(tell), "-screen", "0", self._size, "-fbdir",
                 str(self._scratch.path), "-nolisten", "tcp"],
                pass_fds=[tell], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        except OSError:
            self._scratch.remove()
            raise
        finally:
            os.close(tell)
        with os.fdopen(told) as numbers:
            self.display = ":" + numbers.readline().strip()
        if self.display == ":":
            self.__exit__()
            raise RuntimeError("Xvfb did not start")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(20)
        self._scratch.remove()

    def take_picture(self):
        """(bytes of a row, rows of RGB bytes one after another) of the whole screen."""
        data = (self._scratch.path / "Xvfb_screen0").read_bytes()
        header = HEADER.unpack_from(data)
        width, height, bits, pitch = header[4], header[5], header[11], header[12]
        if (header[7], bits, pitch) != (0, 32, width * 4):
            raise RuntimeError(f"a picture of another form: {header}")
        pixels = data[header[0] + header[19] * COLOR_BYTES:][:pitch * height]
        picture = bytearray(3 * width * height)
        for color in range(3):
            picture[color::3] = pixels[2 - color::4]
        return 3 * width, bytes(picture)


class XKeyboard:
    """A client of the server that presses keys (X11 protocol, and its XTEST extension). Use as a
    context manager."""

    WARP_POINTER, QUERY_EXTENSION, FAKE_INPUT = 41, 98, 2
    PRESS, RELEASE = 2, 3

    def __init__(self, display):
        self._end = socket.socket(socket.AF_UNIX)
        self._end.settimeout(20)
        self._end.connect(f"/tmp/.X11-unix/X{display[1:]}")
        self._end.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        accepted, size = struct.unpack("<B5xH", self._take(8))
        setup = self._take(4 * size)
        if accepted != 1:
            raise RuntimeError("the X server refuses")
        vendor_bytes, formats = struct.unpack_from("<H", setup, 16)[0], setup[21]
        self._root, = struct.unpack_from("<I", setup, 32 + (vendor_bytes + 3 & ~3) + 8 * formats)
        self._end.sendall(struct.pack("<BxHHxx8s", self.QUERY_EXTENSION, 4, 5, b"XTEST"))
        answer = self._take(32)
        if not answer[8]:
            raise RuntimeError("the X server has no XTEST")
        self._xtest = answer[9]

    def press(self, x, y, *codes):
        """Keys one upon another, with the pointer at a place: its window gets them."""
        self._end.sendall(struct.pack("<BxHIIhhHHhh", self.WARP_POINTER, 6, 0, self._root, 0, 0, 0,
                                      0, x, y))
        for event, keys in ((self.PRESS, codes), (self.RELEASE, codes[::-1])):
            for code in keys:
                self._end.sendall(struct.pack("<BBHBBxxII8xhh8x", self._xtest, self.FAKE_INPUT, 9,
                                              event, code, 0, 0, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end.close()

    def _take(self, size):
        data = b""
        while len(data) < size:
            more = self._end.recv(size - len(data))
            if not more:
                raise RuntimeError("the X server has ended")
            data += more
        return data
