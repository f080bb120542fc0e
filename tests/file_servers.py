"""Real servers of files on loopback, for the sources that fetch them: HTTP, SFTP, IMAP. Each is a context manager with a ``port``.

FTP is in ``ftp_server``.
"""

import base64
import datetime
import ipaddress
import logging
import re
import socket
import socketserver
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paramiko
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = ("127.0.0.0/8",)
USER, PASSWORD = "hub", "canary-of-the-file-server"


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A private authority's certificate for localhost and 127.0.0.1: (the server's context, a client's context)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return served, ssl.create_default_context(cadata=signed.public_bytes(serialization.Encoding.PEM).decode())


class WebServer:
    """Serves ``files`` by path, with ETag and Last-Modified while ``marks`` is set; what ``odd`` says for a path instead (status, headers,
    body). Asks for USER and PASSWORD under /locked/. ``seen`` are (path, status) of the requests."""

    def __init__(self):
        self.files, self.odd, self.seen, self.marks = {}, {}, [], True
        self.modified = "Sun, 22 Nov 2026 08:00:00 GMT"
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = server._answer(self.path.partition("?")[0], self.headers)
                server.seen.append((self.path, status))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _answer(self, path, headers):
        if path in self.odd:
            return self.odd[path]
        if path.startswith("/locked/") and headers["Authorization"] != f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}":
            return 401, {}, b"who are you? " + headers.get("Authorization", "").encode()
        if path not in self.files:
            return 404, {}, b"nothing here"
        body = self.files[path]
        marks = {"ETag": f'"{hash(body)}"', "Last-Modified": self.modified} if self.marks else {}
        if marks and headers["If-None-Match"] == marks["ETag"]:
            return 304, marks, b""
        return 200, marks, body

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Files(paramiko.SFTPServerInterface):
    root = Path()

    def _path(self, path):
        return self.root / path.lstrip("/")

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def list_folder(self, path):
        return [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in self._path(path).iterdir()]

    def open(self, path, flags, attr):
        handle = paramiko.SFTPHandle(flags)
        try:
            handle.readfile = self._path(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle.stat = lambda: self.stat(path)
        return handle


class _Guest(paramiko.ServerInterface):
    keys: list = []
    passwords: list = []

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        self.passwords.append(password)
        return paramiko.AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if username == USER and key in self.keys else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class SftpServer:
    """Serves the folder ``root`` to USER by password or one of ``keys``. ``key`` is its own; ``passwords`` are those that it was shown."""

    def __init__(self, root: Path):
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        self.key, self.keys, self.passwords = paramiko.ECDSAKey.generate(), [], []
        files = type("Files", (_Files,), {"root": root})
        guest = type("Guest", (_Guest,), {"keys": self.keys, "passwords": self.passwords})
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                transport = paramiko.Transport(self.request)
                transport.add_server_key(server.key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
                try:
                    transport.start_server(server=guest())
                    transport.join(20)
                except (paramiko.SSHException, EOFError, OSError):
                    pass
                finally:
                    transport.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def mail(sender: str, subject: str, files: dict[str, bytes], date="Sun, 22 Nov 2026 10:00:00 +0200") -> bytes:
    """A message with attachments."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Date"] = sender, "stock@hub.example", subject, date
    message.set_content("The stock is attached.")
    for name, body in files.items():
        message.add_attachment(body, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


class ImapServer:
    """A mailbox with one folder INBOX: ``messages`` by number. As much of IMAP4rev1 (RFC 3501) as a reader of attachments needs.
    ``commands`` are the ones that came, without what follows them."""

    def __init__(self, context: ssl.SSLContext | None = None, *, starttls: ssl.SSLContext | None = None):
        self.messages: dict[int, bytes] = {}
        self.validity, self.commands = 7, []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                if context is not None:
                    self._encrypt(context)
                self._say("* OK ready")
                while (line := self.rfile.readline()) and self._answer(line.decode().rstrip("\r\n")):
                    pass

            def _encrypt(self, by):
                self.request = by.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)

            def finish(self):
                super().finish()
                self.request.close()

            def _say(self, *lines):
                self.wfile.write(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

            def _answer(self, line):
                tag, command, rest = (*line.split(" ", 2), "")[:3]
                if command.upper() == "UID":
                    command, _, rest = rest.partition(" ")
                server.commands.append(command.upper())
                if command.upper() == "STARTTLS" and starttls is not None:
                    self._say(f"{tag} OK go on")
                    self._encrypt(starttls)
                    return True
                lines, done = server.answer(command.upper(), rest)
                self._say(*lines, f"{tag} {done}")
                return command.upper() != "LOGOUT"

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.starttls = starttls is not None
        self.port = self._server.server_address[1]

    def answer(self, command, rest):
        """(untagged lines, the tagged end) of a command."""
        match command:
            case "CAPABILITY":
                return [f"* CAPABILITY IMAP4rev1{' STARTTLS' if self.starttls else ''} AUTH=PLAIN"], "OK done"
            case "LOGIN":
                known = rest == f'"{USER}" "{PASSWORD}"'
                return [], "OK welcome" if known else f"NO [AUTHENTICATIONFAILED] not {rest}"
            case "SELECT" | "EXAMINE":
                return (
                    ([f"* {len(self.messages)} EXISTS"], "OK [READ-ONLY] done") if rest.strip('"') == "INBOX" else ([], "NO no such folder")
                )
            case "STATUS":
                return [f'* STATUS "INBOX" (UIDVALIDITY {self.validity})'], "OK done"
            case "SEARCH":
                return ["* SEARCH " + " ".join(str(uid) for uid in self.messages if self._fits(uid, rest))], "OK done"
            case "FETCH":
                return self._fetched(rest), "OK done"
            case "LOGOUT":
                return ["* BYE see you"], "OK done"
        return [], "BAD not known"

    def _fits(self, uid, rest):
        if asked := re.search(r"UID (\d+)", rest):
            return uid == int(asked[1])
        headers = message_from_bytes(self.messages[uid], policy=default)
        wanted = re.findall(r'(FROM|SUBJECT) "([^"]*)"', rest)
        return all(text.casefold() in headers[name].casefold() for name, text in wanted)

    def _fetched(self, rest):
        uid = int(rest.split(" ")[0])
        body = self.messages.get(uid)
        if body is None:
            return []
        if "BODY" not in rest:
            return [f"* 1 FETCH (UID {uid} RFC822.SIZE {len(body)})"]
        assert "BODY.PEEK" in rest, "the message would count as read"
        start = f"* 1 FETCH (UID {uid} FLAGS () RFC822.SIZE {len(body)} BODY[] {{{len(body)}}}".encode()
        return [start + b"\r\n" + body + b")"]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Speaker:
    """A server of any protocol that only talks: sends the given pieces to whoever connects, then holds the line, drips a letter every
    ``drip`` seconds, or closes it."""

    def __init__(self, *pieces: bytes, hold: bool = False, drip: float = 0.0):
        self.pieces, self.hold, self.drip, self.calls = pieces, hold, drip, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open, self._done = [], threading.Event()

    def _serve(self):
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            self._open.append(line)
            try:
                for piece in self.pieces:
                    line.sendall(piece)
                while self.drip and not self._done.wait(self.drip):
                    line.sendall(b"x")
            except OSError:
                continue
            if not self.hold:
                line.close()

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._listener.close()
        for line in self._open:
            line.close()
