"""A small FTP server on loopback (RFC 959, 3659, 4217), plain or with TLS: one folder, one user, reading only.

Libraries that could do it come without a wheel, and nothing is installed here from anything else.
"""

import contextlib
import datetime
import socket
import socketserver
import ssl
import threading
from pathlib import Path, PurePosixPath

PLAIN = {"QUIT", "FEAT", "AUTH", "PBSZ", "PROT"}
"""Commands that are answered before TLS where TLS is asked for."""


class Handler(socketserver.StreamRequestHandler):
    """One control connection."""

    root: Path
    account: tuple[str, str]
    tls: ssl.SSLContext | None = None
    implicit = False
    masquerade_address = ""
    """Told in answer to PASV in place of our own address, if set."""

    def setup(self):
        if self.tls and self.implicit:
            self.request = self.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.secure, self.private, self.name, self.known, self.waiting = self.implicit, False, "", False, None

    def handle(self):
        self.say("220 ready")
        for line in self.lines():
            verb, _, words = line.partition(" ")
            verb = verb.upper()
            if self.tls and not self.secure and verb not in PLAIN:
                self.say("550 TLS first")
            elif not self.known and verb not in PLAIN | {"USER", "PASS"}:
                self.say("530 log in")
            else:
                getattr(self, f"do_{verb}", self.unknown)(words)
            if verb == "QUIT":
                return

    def lines(self):
        while line := self.rfile.readline(8192):
            yield line.decode("utf-8", "replace").rstrip("\r\n")

    def finish(self):
        self.close_data()
        super().finish()
        if self.secure:  # the server closes the socket that it accepted, not the one around it
            self.connection.close()

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def unknown(self, _words):
        self.say("502 not here")

    def do_QUIT(self, _words):  # noqa: N802 - named as the command is
        self.say("221 bye")

    def do_FEAT(self, _words):  # noqa: N802
        self.say("211-\r\n SIZE\r\n MDTM\r\n UTF8\r\n211 end")

    def do_AUTH(self, _words):  # noqa: N802
        if not self.tls or self.secure:
            self.unknown(_words)
            return
        self.say("234 go on")
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb", -1), socketserver._SocketWriter(self.connection)
        self.secure = True

    def do_PBSZ(self, _words):  # noqa: N802
        self.say("200 0")

    def do_PROT(self, words):  # noqa: N802
        self.private = words.upper() == "P"
        self.say("200 so be it")

    def do_USER(self, words):  # noqa: N802
        self.name = words
        self.say("331 and the password")

    def do_PASS(self, words):  # noqa: N802
        self.known = (self.name, words) == self.account
        self.say("230 come in" if self.known else "530 not you")

    def do_TYPE(self, _words):  # noqa: N802
        self.say("200 so be it")

    def do_PASV(self, _words):  # noqa: N802
        self.close_data()
        self.waiting = socket.create_server(("127.0.0.1", 0))
        self.waiting.settimeout(10)
        port = self.waiting.getsockname()[1]
        address = (self.masquerade_address or "127.0.0.1").replace(".", ",")
        self.say(f"227 here ({address},{port >> 8},{port & 255})")

    def do_SIZE(self, words):  # noqa: N802
        path = self.path(words)
        self.say(f"213 {path.stat().st_size}" if path else "550 no such file")

    def do_MDTM(self, words):  # noqa: N802
        path = self.path(words)
        moment = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC) if path else None
        self.say(f"213 {moment:%Y%m%d%H%M%S}" if moment else "550 no such file")

    def do_NLST(self, words):  # noqa: N802
        folder = self.path(words or "/", folder=True)
        if folder is None:
            return self.say("550 no such folder")
        names = [str(PurePosixPath(words) / entry.name) if words else entry.name for entry in sorted(folder.iterdir())]
        return self.send("".join(f"{name}\r\n" for name in names).encode())

    def do_RETR(self, words):  # noqa: N802
        path = self.path(words)
        return self.send(path.read_bytes()) if path else self.say("550 no such file")

    def path(self, words, *, folder=False):
        found = (self.root / words.lstrip("/")).resolve()
        inside = found.is_relative_to(self.root.resolve())
        return found if inside and (found.is_dir() if folder else found.is_file()) else None

    def send(self, body):
        if self.waiting is None:
            return self.say("425 PASV first")
        if self.tls and not self.private:
            return self.say("521 TLS for data too")
        self.say("150 here it comes")
        channel, _ = self.waiting.accept()
        with self.tls.wrap_socket(channel, server_side=True) if self.tls else channel as open_:
            open_.sendall(body)
            if self.tls:
                with contextlib.suppress(OSError):  # some clients do not say goodbye
                    open_.unwrap().close()
        self.close_data()
        return self.say("226 done")

    def close_data(self):
        if self.waiting is not None:
            self.waiting.close()
            self.waiting = None


class FtpServer:
    """Serves the folder ``root`` to the account (user, password); TLS by ``tls``, from the first byte if ``implicit``, else by AUTH TLS."""

    def __init__(self, root: Path, account: tuple[str, str], tls: ssl.SSLContext | None = None, *, implicit: bool = False):
        self.handler = type("Served", (Handler,), {"root": root, "account": account, "tls": tls, "implicit": implicit})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self.handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
