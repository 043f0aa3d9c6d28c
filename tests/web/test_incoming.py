"""Lists as they come: one of each person at a time, at a least rate, so that one token keeps nobody else's list out."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.serving import SAMPLE, Served, copy_home
from tests.web.test_opt_outs import present
from tre.errors import Reason, Refusal
from tre.terms import Person
from tre.web import incoming
from tre.web.incoming import AT_ONCE, LEAST, WITHIN_S, Incoming

CALLS = {"/v1/opt-outs": ("POST", "text/csv", "regime,nhs_number\n"), "/v1/opt-outs/cleared": ("PUT", "text/plain", "1")}


def person(name: str) -> Person:
    return Person(name, f"r:{name}", frozenset({"controller"}))


async def steady(parts: int, size: int, every_s: float) -> AsyncIterator[bytes]:
    for _ in range(parts):
        await anyio.sleep(every_s)
        yield b"x" * size


def length(parts: Iterator[bytes], busy_s: float = 0) -> int:
    total = 0
    for part in parts:
        time.sleep(busy_s)
        total += len(part)
    return total


def test_a_list_over_a_slow_line_is_in_time() -> None:
    """1 Mbit/s, and a list of a million and a quarter: four minutes, where the least rate would give it twelve."""
    assert LEAST / WITHIN_S * 8 < 1_000_000 / 3


@pytest.mark.alone
@pytest.mark.parametrize(("size", "every_s", "comes"), [(500, 0.02, True), (5, 0.02, False), (2_000, 0.4, True), (1, 2.0, False)])
def test_the_least_rate(monkeypatch: pytest.MonkeyPatch, size: int, every_s: float, comes: bool) -> None:
    """A thousand bytes in a second, here. However much came before, a drop now and then is cut off within that second."""
    monkeypatch.setattr(incoming, "LEAST", 1_000)
    monkeypatch.setattr(incoming, "WITHIN_S", 1.0)

    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        async for part in steady(100 if every_s < 0.1 else 4, size, every_s):
            yield part

    began = time.monotonic()
    if comes:
        assert anyio.run(Incoming().read, person("a"), parts(), length) > 100_000
        return
    with pytest.raises(Refusal) as caught:
        anyio.run(Incoming().read, person("a"), parts(), length)
    assert caught.value.reason is Reason.INVALID_REQUEST and time.monotonic() - began < 1.9


@pytest.mark.alone
def test_what_is_done_with_a_part_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "WITHIN_S", 0.5)

    async def read() -> int:
        return await Incoming().read(person("a"), steady(8, 1, 0.0), lambda parts: length(parts, busy_s=0.1))

    assert anyio.run(read) == 8


def test_one_of_each_person_and_so_many_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "PATIENCE_S", 0.05)

    async def main() -> None:
        lists, go = Incoming(), anyio.Event()
        ended: list[str] = []

        async def held() -> AsyncIterator[bytes]:
            await go.wait()
            yield b"x"

        async def send(name: str) -> None:
            await lists.read(person(name), held(), length)
            ended.append(name)

        async with anyio.create_task_group() as group:
            for name in "abcd":
                group.start_soon(send, name)
            await anyio.sleep(0.1)
            for name in "abcd":
                with pytest.raises(Refusal) as caught:
                    await lists.read(person(name), held(), length)
                assert caught.value.reason is Reason.TOO_MANY_REQUESTS
            group.start_soon(send, "e")
            await anyio.sleep(0.1)
            assert ended == [] and lists._threads.borrowed_tokens == AT_ONCE == 4
            go.set()
        assert sorted(ended) == [*"abcde"]
        assert await lists.read(person("a"), held(), length) == 1, "their turn ends with their list"

    anyio.run(main)


def test_whoever_sends_again_at_once_is_waited_for() -> None:
    async def main() -> None:
        lists, go = Incoming(), anyio.Event()

        async def breaking() -> AsyncIterator[bytes]:
            yield b"x"
            await go.wait()
            raise ConnectionResetError

        async def broken() -> None:
            with pytest.raises(ConnectionResetError):
                await lists.read(person("a"), breaking(), length)

        async with anyio.create_task_group() as group:
            group.start_soon(broken)
            await anyio.sleep(0.05)
            group.start_soon(anyio.sleep, 0.1)
            async with anyio.create_task_group() as second:
                second.start_soon(lists.read, person("a"), steady(2, 1, 0.0), length)
                await anyio.sleep(0.1)
                go.set()

    anyio.run(main)


@contextmanager
def half_a_list(served: Served, path: str) -> Iterator[None]:
    """Somebody is sending, and has not come to the end."""
    method, kind, begun = CALLS[path]
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.tokens['controller']}\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        line.sendall(f"{head}Content-Type: {kind}\r\nContent-Length: 1000\r\n\r\n{begun}".encode())
        time.sleep(0.5)
        yield


@pytest.mark.parametrize("path", CALLS)
def test_over_http_one_token_keeps_nobody_else_out(furnished: Path, tmp_path: Path, path: str) -> None:
    method, kind, _ = CALLS[path]
    numbers = (SAMPLE / "cleared.txt").read_text()
    body = f"regime,nhs_number\nlocal,{present()[0]}\n" if method == "POST" else numbers
    taken = 202 if method == "POST" else 200
    with Served(copy_home(furnished, tmp_path / "home")) as served:

        def send(by: str) -> tuple[int, str | None, str | None]:
            with served.http(by) as http:
                answer = http.request(method, path, content=body, headers={"Content-Type": kind})
            return answer.status_code, answer.headers.get("Retry-After"), json.loads(answer.text).get("reason")

        with half_a_list(served, path):
            assert send("controller") == (429, "2", "too-many-requests")
            assert send("controller2")[0] == taken
        assert send("controller")[0] == taken
