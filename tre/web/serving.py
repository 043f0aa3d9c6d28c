"""`tre serve`: one gateway process for a home, from the first lock to a clean end."""

from __future__ import annotations

import gc
import signal
import socket
import sys

import uvicorn

from tre.errors import Unfit
from tre.gateway import Gateway
from tre.office import Office
from tre.office.demo import QUESTION, open_demo
from tre.office.opening import only_one
from tre.sandbox import landlock_version
from tre.settings import Settings
from tre.web.app import make_app


def serve(settings: Settings) -> None:
    """Open the gateway, publish what a crash left sealed, serve until told to stop, finish what runs."""
    if settings.sandbox == "on" and landlock_version() < 1:
        raise Unfit("this kernel has no Landlock; say TRE_SANDBOX=off to run without, and every disclosure record will tell it")
    with only_one(settings), _listening(settings) as listener, Office.open(settings, locked=True) as office:
        if settings.demo:
            open_demo(office, settings.home)
        with (
            Gateway.open(settings, office.state, office.policies, office.keys) as gateway,
            office.publication.running(),
            gateway.tended((office.retire, office.remove_unnamed, office.sweep_opt_outs, office.watch_opt_outs)),
        ):
            _greet(settings, listener.getsockname()[1])
            server = uvicorn.Server(
                uvicorn.Config(
                    make_app(gateway, office),
                    log_level="warning",
                    access_log=False,
                    server_header=False,
                    timeout_graceful_shutdown=10,
                    h11_max_incomplete_event_size=64 * 1024,
                )
            )
            # The server closes at a signal and then raises it again: by then it has done what it was asked.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
            _settle_memory()
            server.run(sockets=[listener])


def _settle_memory() -> None:
    """What was made by now stays for good: it is not looked through again, and what a call leaves is looked for more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _listening(settings: Settings) -> socket.socket:
    """The port, taken before anything is made or said."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Unfit(f"{settings.host}:{settings.port} cannot be opened ({error.strerror}); set TRE_HOST or TRE_PORT") from None


def _greet(settings: Settings, port: int) -> None:
    address = f"http://{settings.host}:{port}"
    told = f"tre serves on {address}\n"
    if settings.demo:
        reading = "import json, sys; print(json.load(open(sys.argv[1]))['researcher'])"
        told += (
            "Ask a first question in another terminal:\n\n"
            f'  TOKEN=$(python3 -c "{reading}" {settings.home / "demo.json"})\n'
            f"  curl -s {address}/v1/queries -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n"
            f'    -d \'{{"project": "demo", "dataset": "gp", "sql": "{QUESTION}"}}\'\n\n'
        )
    sys.stdout.write(told)
    sys.stdout.flush()
