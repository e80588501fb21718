"""A small HTTP server of files that can misbehave, for tests of downloads."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Dict, List, Optional


class FileServer:
    """Serves bytes from memory on a port of this machine.

    Args:
        files (dict[str, bytes]): By path, as ``/a.pth``.

    Attributes:
        break_after (list[int]): For each coming answer, after how many bytes of it the
            connection breaks; whole answers when empty.
        status (int, optional): Answer everything with this error.
        ranges (bool): Whether ``Range`` is understood.
        etag (str): Sent with each file.
        seen (list): Path and ``Range`` header of each request.
    """

    def __init__(self, files: Dict[str, bytes]) -> None:
        self.files = files
        self.break_after: List[int] = []
        self.status: Optional[int] = None
        self.ranges = True
        self.etag = '"one"'
        self.seen: List[tuple] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *args) -> None:
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self._server.server_port}'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get('Range')
        self.seen.append((request.path, wanted))
        data = self.files.get(request.path)
        if self.status or data is None:
            request.send_error(self.status or 404)
            return
        start = 0
        fresh = request.headers.get('If-Range') in (None, self.etag)
        if wanted and self.ranges and fresh:
            start = int(wanted.removeprefix('bytes=').rstrip('-'))
            if start >= len(data):
                request.send_error(416)
                return
            request.send_response(206)
            request.send_header(
                'Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}'
            )
        else:
            request.send_response(200)
        request.send_header('ETag', self.etag)
        request.send_header('Content-Length', str(len(data) - start))
        request.end_headers()
        body = data[start:]
        if self.break_after:
            body = body[: self.break_after.pop(0)]
        request.wfile.write(body)
        request.close_connection = True
