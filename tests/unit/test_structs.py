"""Decoding a type for the first time in several threads at once: it ends the process without ``make_ready``, and not with it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from stallkit.registry import ADAPTERS

SCRIPT = """
import sys, threading, types
import msgspec
from stallkit import structs

sys.setswitchinterval(1e-6)
SOURCE = '''
import msgspec
from typing import Annotated

class A(msgspec.Struct):
    x: Annotated[int, msgspec.Meta(ge=0)]
    y: str | None = None

class B(msgspec.Struct):
    a: A
    b: tuple[A, ...]

class C(msgspec.Struct):
    b: B
    d: tuple[B, ...]
    e: Annotated[tuple[A, ...], msgspec.Meta(min_length=1)]
'''
BODY = b'{"b":{"a":{"x":1},"b":[{"x":2}]},"d":[],"e":[{"x":3}]}'
for number in range(2_000):
    module = sys.modules[f"stallkit.made_{number}"] = types.ModuleType(f"stallkit.made_{number}")
    exec(SOURCE, module.__dict__)
    if READY:
        structs.make_ready()
    at_once = threading.Barrier(8)

    def decode():
        at_once.wait()
        assert msgspec.json.decode(BODY, type=module.C).b.a.x == 1

    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("fine")
"""


def run(*, ready: bool) -> subprocess.CompletedProcess[str]:
    script = textwrap.dedent(SCRIPT).replace("READY", str(ready))
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)


def test_without_it_the_process_crashes_sooner_or_later() -> None:
    """If this fails, msgspec has been mended, and ``stallkit.structs`` can go."""
    assert any(run(ready=False).returncode < 0 for _ in range(5))


def test_with_it_nothing_happens() -> None:
    done = run(ready=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_an_adapter_is_built_with_its_types_ready() -> None:
    script = f"""
import msgspec
from stallkit import structs
from stallkit.registry import adapter_class
for platform in {sorted(ADAPTERS)!r}:
    adapter_class(platform)
    loaded = set(structs._loaded(msgspec.Struct))
    assert loaded and loaded <= structs._ready, loaded - structs._ready
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
