"""The two programs: for which machine they are, how they are linked, and what the driver says of itself."""

import os
import platform
import shutil
import struct
import subprocess
import sys

# ELF's numbers of machines (elf.h), with the names of uname, and those of Debian.
MACHINES = {62: ("x86_64", "amd64"), 183: ("aarch64", "arm64")}
# elf.h: a segment that names the dynamic loader.
PT_INTERP = 3


class Programs:
    """`fargate` and `fargate-agent` in a folder."""

    def __init__(self, folder):
        self.driver = folder / "fargate"
        self.agent = folder / "fargate-agent"
        found = {read(file) for file in (self.driver, self.agent)}
        if len({machine for machine, _ in found}) != 1:
            sys.exit(f"packaging/make: the programs in {folder} are for different machines.")
        self.machine, self.debian = MACHINES[next(iter(found))[0]]
        self.is_static = all(is_static for _, is_static in found)
        self.target = f"{self.machine}-unknown-linux-{'musl' if self.is_static else 'gnu'}"

    def say(self, *words):
        """What the driver prints; one for another machine runs in qemu."""
        command = [self.driver, *words]
        if self.machine != platform.machine():
            emulator = shutil.which(f"qemu-{self.machine}-static")
            if emulator is None:
                sys.exit(f"packaging/make: qemu-{self.machine}-static is missing: apt-get install qemu-user-static")
            command.insert(0, emulator)
        return subprocess.run(command, capture_output=True, check=True, env={"PATH": os.environ["PATH"]}).stdout


def read(file):
    """Machine, and whether it needs no dynamic loader."""
    try:
        data = file.read_bytes()
    except OSError as error:
        sys.exit(f"packaging/make: {error}")
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit(f"packaging/make: {file} is no 64-bit program for Linux.")
    (machine,) = struct.unpack_from("<H", data, 18)
    if machine not in MACHINES:
        sys.exit(f"packaging/make: {file} is for a machine that has no package.")
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    kinds = [struct.unpack_from("<I", data, table + number * size)[0] for number in range(count)]
    return machine, PT_INTERP not in kinds
