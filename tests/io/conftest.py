"""A web server on this machine that misbehaves as asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Site:
    """What the server serves, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"one"'
    ranges: bool = True
    wrong_range: bool = False
    cut_after: list[int] = field(default_factory=list)
    """For each coming answer: drop the connection after so many bytes of the body."""
    statuses: list[int] = field(default_factory=list)
    """For each coming answer: this status instead."""
    requests: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("bioseq_dl.io.download.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("bioseq_dl.io.download.LONGEST_PAUSE", 0.005)
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.requests.append(dict(self.headers))
            if served.statuses:
                self.send_error(served.statuses.pop(0))
                return
            body = served.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            fresh = self.headers.get("If-Range") in (None, served.etag)
            start = int(asked[1]) if asked and served.ranges and fresh else 0
            if asked and start >= len(body) and served.ranges and fresh:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            partial = bool(asked and served.ranges and fresh)
            self.send_response(206 if partial else 200)
            if partial:
                told = 0 if served.wrong_range else start
                self.send_header("Content-Range", f"bytes {told}-{len(body) - 1}/{len(body)}")
            if served.etag:
                self.send_header("ETag", served.etag)
            kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = served.cut_after.pop(0) if served.cut_after else None
            self.wfile.write(body[start:][:cut])
            if cut is not None:
                self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()
