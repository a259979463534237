"""As little of an editor as asks a language server: JSON-RPC over stdin and stdout."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

    Message = dict[str, Any]

ANSWER_S = 60.0
"""A broken server fails the test and doesn't hang it; a whole one answers within a second."""


class Editor:
    """An editor with one folder open; everything that it shows came from the server."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(  # noqa: S603 - ours
            (str(program), "--stdio"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._read = b""
        self._asked = 0

    def __enter__(self) -> Self:
        folder = self._folder.as_uri()
        can: Message = {"textDocument": {"completion": {}, "publishDiagnostics": {}}}
        self._ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder,
                "capabilities": can,
                "workspaceFolders": [{"uri": folder, "name": "manifests"}],
            },
        )
        self._tell("initialized", {})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def open(self, **texts: str) -> dict[str, list[tuple[int, str]]]:
        """Open files; give by name the line, from 1, and the words of everything underlined."""
        waiting = {(self._folder / f"{name}.yaml").as_uri(): name for name in texts}
        for uri, name in waiting.items():
            told = {"uri": uri, "languageId": "yaml", "version": 1, "text": texts[name]}
            self._tell("textDocument/didOpen", {"textDocument": told})
        found = {}
        while waiting:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics":
                name = waiting.pop(message["params"]["uri"])
                found[name] = [
                    (one["range"]["start"]["line"] + 1, one["message"])
                    for one in message["params"]["diagnostics"]
                ]
        return found

    def complete(self, name: str, line: int, column: int) -> set[str]:
        """Give what is offered at a place; line and column count from 1."""
        where = {
            "textDocument": {"uri": (self._folder / f"{name}.yaml").as_uri()},
            "position": {"line": line - 1, "character": column - 1},
        }
        answer = self._ask("textDocument/completion", where)
        return {one["label"] for one in answer["items"]}

    def _ask(self, method: str, params: Message) -> Any:  # noqa: ANN401 - JSON
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._asked and "method" not in message:
                return message["result"]

    def _tell(self, method: str, params: Message) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        pipe = self._pipe(self._process.stdin)
        pipe.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        pipe.flush()

    def _next(self) -> Message:
        """Give the server's next message; what it asks of the editor gets an empty answer."""
        head = self._until(
            lambda: self._read.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in self._read else 0
        )
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        message: Message = json.loads(self._until(lambda: size if len(self._read) >= size else 0))
        if "method" in message and "id" in message:
            wanted = message.get("params", {}).get("items") if message.get("params") else None
            result = [None] * len(wanted) if isinstance(wanted, list) else None
            self._send({"id": message["id"], "result": result})
        return message

    def _until(self, enough: Any) -> bytes:  # noqa: ANN401 - a question without a parameter
        pipe = self._pipe(self._process.stdout)
        with selectors.DefaultSelector() as waiting:
            waiting.register(pipe, selectors.EVENT_READ)
            while not (size := enough()):
                assert waiting.select(ANSWER_S), "the language server says nothing"
                more = os.read(pipe.fileno(), 65536)
                assert more, "the language server is gone"
                self._read += more
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe
