#!/usr/bin/env python3
"""The clients of checks.sh.

    clients.py get [--port N] PATH    prints the status and the body, or why there is none
    clients.py load                   asks until TERM, then prints what came of it

Half of the load connects for each request, the other half keeps its connections.
"""

import signal
import socket
import sys
import threading
import time

HOST = "127.0.0.1"
PORT = 8080
PATH = "/one"
OF_EACH_KIND = 4
# Requests of one connection, where it is kept.
KEPT_FOR = 50
# A request that takes longer has failed. More than any restart.
PATIENCE_S = 30
# Between two requests of a client: a load, not a flood, for machines with one processor.
PAUSE_S = 0.001


class Unanswered(Exception):
    """The connection ended before the first byte of an answer."""


def connect(port=PORT):
    return socket.create_connection((HOST, port), timeout=PATIENCE_S)


def ask(connection, path, close):
    """Sends a request and reads the answer: its status, its body, and whether the connection stays."""
    last = "close" if close else "keep-alive"
    head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: {last}\r\n\r\n"
    answer = b""
    try:
        connection.sendall(head.encode())
        while b"\r\n\r\n" not in answer:
            answer += more(connection, answer)
    except (ConnectionResetError, BrokenPipeError) as error:
        if answer:
            raise
        raise Unanswered(str(error)) from error
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", 0)):
        body += more(connection, body)
    stays = not close and fields.get("connection") != "close"
    return int(lines[0].split()[1]), body.decode(), stays


def more(connection, had):
    read = connection.recv(65536)
    if not read:
        raise ConnectionResetError("cut off") if had else Unanswered("closed")
    return read


class Load:
    """What became of all requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.answered = self.refused = self.failed = self.resent = 0
        self.longest_s = 0.0
        self.why = set()

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self.over.set())
        threads = [
            threading.Thread(target=self.client, args=(close,))
            for close in (True, False)
            for _ in range(OF_EACH_KIND)
        ]
        for thread in threads:
            thread.start()
        while self.answered < 100 and not self.over.is_set():
            time.sleep(0.01)
        print("running", flush=True)
        while not self.over.wait(1):
            pass
        for thread in threads:
            thread.join()
        why = "".join(f" [{one}]" for one in sorted(self.why))
        print(
            f"refused={self.refused} failed={self.failed} answered={self.answered} "
            f"resent={self.resent} longest_ms={self.longest_s * 1000:.0f}{why}"
        )

    def client(self, close):
        connection, used = None, 0
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                if connection is None:
                    connection, used = connect(), 0
                status, _, stays = ask(connection, PATH, close)
                self.count(status == 200, f"status {status}", time.monotonic() - begin)
                used += 1
                if not stays or used == KEPT_FOR:
                    connection = None
            except ConnectionRefusedError as error:
                self.count_refused(error)
            except Unanswered as error:
                # An idle connection may be closed while the next request is on its way; every HTTP client sends that
                # again. The first request of a connection must be answered.
                if used == 0:
                    self.count(False, f"unanswered: {error}", 0)
                else:
                    with self.lock:
                        self.resent += 1
                connection = None
            except OSError as error:
                self.count(False, repr(error), 0)
                connection = None
            time.sleep(PAUSE_S)

    def count(self, good, why, took_s):
        with self.lock:
            if good:
                self.answered += 1
                self.longest_s = max(self.longest_s, took_s)
            else:
                self.failed += 1
                self.why.add(why)

    def count_refused(self, error):
        with self.lock:
            self.refused += 1
            self.why.add(repr(error))


def get(words):
    port = PORT
    if words[0] == "--port":
        port, words = int(words[1]), words[2:]
    try:
        status, body, _ = ask(connect(port), words[0], close=True)
        print(status, body)
    except (OSError, Unanswered) as error:
        print(repr(error))


if __name__ == "__main__":
    if sys.argv[1] == "load":
        Load().run()
    else:
        get(sys.argv[2:])
