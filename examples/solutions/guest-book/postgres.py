"""The least of a client for PostgreSQL: protocol 3.0, SCRAM-SHA-256, queries with parameters, all values as text.

https://www.postgresql.org/docs/current/protocol.html
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct


class PostgresError(Exception):
    pass


class Postgres:
    def __init__(self, host: str, user: str, password: str, database: str, port: int = 5432):
        self._socket = socket.create_connection((host, port), timeout=10)
        self._messages = self._socket.makefile("rb")
        options = f"user\0{user}\0database\0{database}\0\0".encode()
        self._socket.sendall(struct.pack("!ii", len(options) + 8, 196608) + options)
        self._authenticate(password)
        while self._receive()[0] != b"Z":
            pass

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_: object) -> None:
        self._send(b"X")
        self._messages.close()
        self._socket.close()

    def query(self, statement: str, *values: str) -> "list[tuple[str | None, ...]]":
        self._send(b"P", b"\0" + statement.encode() + b"\0" + struct.pack("!h", 0))
        parameters = b"".join(struct.pack("!i", len(value.encode())) + value.encode() for value in values)
        self._send(b"B", b"\0\0" + struct.pack("!hh", 0, len(values)) + parameters + struct.pack("!h", 0))
        self._send(b"E", b"\0" + struct.pack("!i", 0))
        self._send(b"S")
        rows, failure = [], None
        while True:
            kind, body = self._receive(raising=False)
            if kind == b"D":
                rows.append(tuple(columns(body)))
            elif kind == b"E":
                failure = sentence(body)
            elif kind == b"Z":
                if failure is not None:
                    raise PostgresError(failure)
                return rows

    def _send(self, kind: bytes, body: bytes = b"") -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self, raising: bool = True) -> "tuple[bytes, bytes]":
        head = self._messages.read(5)
        if len(head) < 5:
            raise PostgresError("the connection was closed")
        kind, length = struct.unpack("!ci", head)
        body = self._messages.read(length - 4)
        if kind == b"E" and raising:
            raise PostgresError(sentence(body))
        return kind, body

    def _authenticate(self, password: str) -> None:
        """RFC 5802, as PostgreSQL has it: without channel binding, the user named before."""
        self._expect(10)
        nonce = secrets.token_urlsafe(18)
        first = f"n=,r={nonce}"
        message = f"n,,{first}".encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(message)) + message)
        challenge = self._expect(11).decode()
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        if not fields["r"].startswith(nonce):
            raise PostgresError("the server answered another challenge")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = f"c=biws,r={fields['r']}"
        signed = f"{first},{challenge},{last}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        self._send(b"p", f"{last},p={proof}".encode())
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        if self._expect(12).decode() != f"v={base64.b64encode(server).decode()}":
            raise PostgresError("the server does not know the password")
        self._expect(0)

    def _expect(self, step: int) -> bytes:
        kind, body = self._receive()
        (found,) = struct.unpack("!i", body[:4])
        if kind != b"R" or found != step:
            raise PostgresError(f"the server wants another way to log in ({found})")
        return body[4:]


def columns(body: bytes) -> "list[str | None]":
    (count,) = struct.unpack("!h", body[:2])
    values, at = [], 2
    for _ in range(count):
        (length,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        values.append(None if length == -1 else body[at : at + length].decode())
        at += max(length, 0)
    return values


def sentence(body: bytes) -> str:
    fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
    return fields.get(b"M", "an error without a message")
