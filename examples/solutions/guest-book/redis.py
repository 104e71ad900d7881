"""The least of a client for Redis: one connection, RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

import socket


class RedisError(Exception):
    pass


class Redis:
    def __init__(self, host: str, port: int = 6379):
        self._socket = socket.create_connection((host, port), timeout=10)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()

    def ask(self, *words: str) -> "str | int | list | None":
        parts = [word.encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        return self._answer()

    def _answer(self) -> "str | int | list | None":
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise RedisError("the connection was closed")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._answers.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == "-1" else [self._answer() for _ in range(int(rest))]
        raise RedisError(rest)
