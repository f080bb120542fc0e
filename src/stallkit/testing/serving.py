"""Ways to reach an emulator: in the process (an httpx transport, no sockets) or over loopback HTTP, with connections really dropped."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

from stallkit.testing.emulator import DropConnection, Emulator


class EmulatorTransport(httpx.BaseTransport):
    """An httpx transport that calls the emulator directly. A dropped connection becomes the error that httpx raises for a real one."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        environ = environ_of(request.method, request.url.raw_path.decode("ascii"), dict(request.headers), request.read())
        try:
            status, headers, content = run_wsgi(self.emulator, environ)
        except DropConnection as error:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request) from error
        extensions = {"fault": environ.get("stallkit.fault")}
        return httpx.Response(status, headers=headers, content=content, request=request, extensions=extensions)


class Watched(httpx.BaseTransport):
    """A way to an emulator that tells when a call goes out, and when its reply, or its end, comes back."""

    def __init__(self, emulator: Emulator, before: Callable[[], object], after: Callable[[], object]) -> None:
        self.inner, self.before, self.after = EmulatorTransport(emulator), before, after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.before()
        try:
            reply = self.inner.handle_request(request)
        except httpx.TransportError:
            self.after()
            raise
        self.after()
        return reply


def client_of(emulator: Emulator, before: Callable[[], object], after: Callable[[], object]) -> httpx.Client:
    """An HTTP client whose only host is the emulator (see ``Watched``)."""
    return httpx.Client(transport=Watched(emulator, before, after))


def environ_of(method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, object]:
    """The WSGI environment of one request; ``target`` is its path and query as sent."""
    parts = urlsplit(target)
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": httpx.URL(f"http://x{parts.path}").path,
        "QUERY_STRING": parts.query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": next((value for name, value in headers.items() if name.lower() == "content-type"), ""),
        "wsgi.input": io.BytesIO(body),
    }
    environ.update({"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()})
    return environ


def run_wsgi(app: Emulator, environ: dict[str, object]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Run one request through a WSGI app: (status, headers, body)."""
    answer: list[tuple[int, list[tuple[str, str]]]] = []
    chunks = app(environ, lambda status, pairs, _info=None: answer.append((int(status.split()[0]), pairs)))
    return answer[0][0], answer[0][1], b"".join(chunks)


def call_wsgi(app: Emulator, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """``run_wsgi`` for a request in parts."""
    return run_wsgi(app, environ_of(method, target, headers, body))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: sent apart, the second waits for the first one's acknowledgement, which the other side holds back.
    wbufsize = -1
    disable_nagle_algorithm = True
    emulator: Emulator

    def _run(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, headers, content = call_wsgi(self.emulator, self.command, self.path, dict(self.headers.items()), body)
        except DropConnection:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _run  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """The emulator keeps its own log of calls."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is not news."""


class Served:
    """An emulator on a loopback port: ``with Served(emulator) as served: served.url``."""

    def __init__(self, emulator: Emulator, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"emulator": emulator})
        self.server = _Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True, name=f"emulator-{emulator.platform}")

    def __enter__(self) -> Served:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(5)
