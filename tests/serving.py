"""A home with the 2,000 sample persons, and a real `tre serve` on it: what the tests over HTTP stand on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tre.client import Client
from tre.office import Office
from tre.office.demo import make_identities
from tre.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data"
POLICIES = ROOT / "policies"
UNUSED_TLS = ssl.create_default_context()  # made once: each takes a client 20 ms
REGIONS = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"


@contextmanager
def office_of(home: Path, policies: Path = POLICIES) -> Iterator[Office]:
    """The office over a home, as at its terminal."""
    settings = Settings(home=home, policies=policies, _env_file=None)  # type: ignore[call-arg]
    with Office.open(settings) as office:
        yield office


def furnish(home: Path, source: Path = SAMPLE, policies: Path = POLICIES) -> None:
    """The demo's identities and project, records loaded, opt-outs delivered."""
    with office_of(home, policies) as office:
        make_identities(office, home)
        deliver_lists(office, source)
        office.load(office.host, "gp", source)


def deliver_lists(office: Office, source: Path = SAMPLE) -> None:
    """Those who object, and the check service's list of those without a national opt-out."""
    office.deliver_opt_outs(office.host, source / "opt_outs.csv", None)
    office.deliver_cleared(office.host, source / "cleared.txt")


def copy_home(furnished: Path, home: Path) -> Path:
    """A home of one's own from a furnished one; the store is hard-linked, for nothing changes a file of it in place."""
    shutil.copytree(furnished, home, ignore=shutil.ignore_patterns("store", "serve.lock"))
    shutil.copytree(furnished / "store", home / "store", copy_function=os.link)
    return home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """One `tre serve` process on a home."""

    def __init__(self, home: Path, policies: Path = POLICIES, **environment: str) -> None:
        self.home, self.policies, self.environment = home, policies, environment
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = 60) -> Served:
        """Start, and return when it answers."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TRE_HOME": str(self.home),
            "TRE_POLICIES": str(self.policies),
            "TRE_PORT": str(self.port),
            **self.environment,
        }
        errors = (self.home / "serve.stderr").open("ab")
        command = [sys.executable, "-m", "tre", "serve"]
        self.process = subprocess.Popen(command, env=environment, cwd=self.home, stdout=subprocess.DEVNULL, stderr=errors)
        errors.close()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.address}/livez", timeout=1, verify=UNUSED_TLS).status_code == 200:
                    self.tokens = json.loads((self.home / "demo.json").read_text())
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        told = (self.home / "serve.stderr").read_text()[-2_000:]
        raise AssertionError(f"tre serve did not start (status {self.process.poll()}): {told}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self, who: str = "researcher") -> Client:
        return Client(self.address, self.tokens[who])

    def http(self, who: str | None = "researcher") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=90, verify=UNUSED_TLS)

    def __enter__(self) -> Served:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
