"""Servers and programs that the tests start: each on loopback, each ended with its test."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def fargate():
    """The driver that `cargo test` has built."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = target / "debug/fargate"
    if not program.exists():
        raise FileNotFoundError(f"{program} is missing: cargo build -p fargate")
    return program


def run(*command, **options):
    """Runs a command to its end, which must be a good one; returns what it printed."""
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)
    if ended.returncode != 0:
        called = " ".join(map(str, command))
        raise AssertionError(f"{called} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(command, probe, log, seconds=60):
    """A server that answers at the URL `probe` within some seconds, and ends with the block."""
    with open(log, "wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                get(probe)
                break
            except urllib.error.HTTPError:
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = pathlib.Path(log).read_text(errors="replace")[-2000:]
                    raise AssertionError(f"{command[0]} does not answer ({error}):\n{said}") from error
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
