"""The server itself: what the editor tells and asks, and when which audit runs.

Typing is answered from the text alone, once the fingers rest. Saving runs, in the sandbox and beside the event loop, the snippets that are not known as
they stand; a result whose snippet changed meanwhile is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from snipfix import __version__
from snipfix.born import changes
from snipfix.config import Options
from snipfix.engines.local import LocalEngine
from snipfix.engines.target import BrokenOff
from snipfix.errors import SnipfixError
from snipfix.lsp.answers import REPAIR, actions, diagnostics, edit_of, trouble
from snipfix.lsp.page import Page, format_of, key_of
from snipfix.lsp.places import Places
from snipfix.model import Result, Snippet, Stage
from snipfix.report.language import told
from snipfix.report.texts import texts

__all__ = ["Server", "serve"]

REST = 0.3
"""Seconds without a keystroke after which the text is looked at."""


class Server(LanguageServer):
    """Audits the documents that an editor has open."""

    def __init__(self, options: Options, language: str | None = None) -> None:
        """Full texts are exchanged: the protocol's library counts more line endings than the protocol does."""
        super().__init__("snipfix", __version__, types.TextDocumentSyncKind.Full)
        self.options, self.language = options, language
        self.pages: dict[str, Page] = {}
        stage = min(options.stage, Stage.STATIC, key=lambda stage: stage.depth)
        self._static = LocalEngine(replace(options, stage=stage)).auditor
        self._engine: LocalEngine | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="snipfix-lsp")
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._saves: dict[str, int] = {}
        self._running = ""
        """The document whose save is looked at now."""

    @property
    def encoding(self) -> str:
        """How columns are counted, as agreed with the editor."""
        return types.PositionEncodingKind(self.workspace.position_encoding or "utf-16").value

    # As one types -----------------------------------------------------------------------------------------------------

    def open(self, document: types.TextDocumentItem) -> None:
        """Take a document in, if it is one that snipfix reads."""
        path = uris.to_fs_path(document.uri) or document.uri
        format = format_of(path, document.language_id)  # noqa: A001
        if format is not None:
            self.pages[document.uri] = Page(path, format, version=-1, spoken=self.language)
            self.refresh(document.uri)

    def close(self, uri: str) -> None:
        """Forget a document, and take its findings off the screen."""
        if self.pages.pop(uri, None) is not None:
            self._publish(uri, None, [])

    def wait(self, uri: str) -> None:
        """Look at a document once its author rests."""
        if timer := self._timers.pop(uri, None):
            timer.cancel()
        if uri in self.pages:
            self._timers[uri] = asyncio.get_running_loop().call_later(REST, self.refresh, uri)

    def refresh(self, uri: str) -> None:
        """Bring a page to the text as it is now and show what is known of it."""
        if timer := self._timers.pop(uri, None):
            timer.cancel()
        page = self.pages.get(uri)
        if page is None:
            return
        document = self.workspace.get_text_document(uri)
        try:
            if page.version != document.version or page.document is None:
                page.update(document.source, document.version or 0)
            page.look(self._static)
        except SnipfixError as error:
            self._publish(uri, page.version, [trouble(error)])
            return
        self._publish(uri, page.version, diagnostics(page, self.encoding))

    def _publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version=version))

    # When one saves ---------------------------------------------------------------------------------------------------

    async def save(self, uri: str) -> None:
        """Run the snippets that are not known as they stand, one after the other; a later save breaks that off and takes over."""
        self.refresh(uri)
        turn = self._saves[uri] = self._saves.get(uri, 0) + 1
        if self._running == uri and self._engine is not None and self._engine.target is not None:
            self._engine.target.break_off()
        page = self.pages.get(uri)
        for snippet in page.unaudited() if page else ():
            result = await self._run(snippet, wanted=lambda: self._saves.get(uri) == turn, uri=uri)
            if page is None or result is None or self.pages.get(uri) is not page or self._saves.get(uri) != turn:
                return
            if page.learn(result) and page.version == self.workspace.get_text_document(uri).version:
                self._publish(uri, page.version, diagnostics(page, self.encoding))

    async def _run(
        self, snippet: Snippet, *, repair: bool = False, wanted: Callable[[], bool] = lambda: True, uri: str = ""
    ) -> Result | None:
        """The result of one snippet, made beside the event loop; None when it is not `wanted` any more, and, with a word to the author, where there is no sandbox.

        `uri`: the document whose save it belongs to.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._audit, snippet, repair, wanted, uri)
        except BrokenOff:
            return None
        except SnipfixError as error:
            self._say(f"{error}. {error.hint}".strip(), types.MessageType.Error)
            return None

    def _audit(self, snippet: Snippet, repair: bool, wanted: Callable[[], bool], uri: str) -> Result | None:
        if self._engine is None:
            self._engine = LocalEngine(replace(self.options, jobs=1)).__enter__()
        if self._engine.target is not None:
            self._engine.target.go_on()
        self._running = uri
        try:
            return next(self._engine.results([snippet], repair=repair)) if wanted() else None
        finally:
            self._running = ""

    # When one asks ----------------------------------------------------------------------------------------------------

    def actions(self, uri: str, where: types.Range) -> list[types.CodeAction]:
        """The mends of what stands at a place of the text as it is now."""
        self.refresh(uri)
        page = self.pages.get(uri)
        runs = self.options.stage.depth >= Stage.RUN.depth
        return [one for one in actions(page, uri, where, self.encoding) if runs or one.command is None] if page else []

    async def repair(self, uri: str, version: int, name: str) -> str:
        """Repair one snippet and write the proven mend into the editor's text; returns what became of it."""
        page = self.pages.get(uri)
        snippet = next((one for one in page.snippets if one.id == name), None) if page and page.version == version else None
        result = await self._run(snippet, repair=True) if snippet is not None else None
        if page is None or snippet is None or result is None or result.repair is None:
            return self._say("the document has changed: ask again", types.MessageType.Info)
        self.refresh(uri)
        now = next((one for one in page.snippets if key_of(one) == key_of(snippet)), None)
        if now is None:
            return self._say("the snippet has changed meanwhile, nothing was written", types.MessageType.Info)
        codes, outputs = changes([replace(result, snippet=now)])
        words, spoken = texts(page.language), told(result, page.language).repair or result.repair
        verdict = words[spoken.verdict.value]
        if not (codes or outputs):
            return self._say(f"{verdict}: {spoken.reason}".rstrip(": "), types.MessageType.Warning)
        try:
            edit = edit_of(page, uri, Places(page.source, self.encoding), codes, outputs)
        except SnipfixError as error:
            return self._say(str(error), types.MessageType.Warning)
        label = "; ".join(fix.title for fix in spoken.fixes) or words["true output"]
        answer = await self.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, f"snipfix: {label}"))
        if not answer.applied:
            return self._say(f"the editor did not take the mend: {answer.failure_reason or 'no reason given'}", types.MessageType.Warning)
        return self._say(f"{verdict}, {words['proven']}: {label}", types.MessageType.Info)

    def _say(self, text: str, kind: types.MessageType) -> str:
        self.window_show_message(types.ShowMessageParams(kind, f"snipfix: {text}"))
        return text

    def finish(self) -> None:
        """End the fork server, in the thread that started it; nobody waits for what still runs."""
        if self._engine is not None:
            self._saves.clear()
            if self._engine.target is not None:
                self._engine.target.break_off()  # also where the fork server is only being started
                self._engine.target.abort()
            self._worker.submit(self._engine.__exit__).result()
        self._worker.shutdown(cancel_futures=True)


def serve(options: Options, language: str | None = None) -> None:
    """Speak the protocol on standard input and output until the editor ends it; in a language, or in that of each document."""
    server = Server(options, language)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.open(params.text_document)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.wait(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.close(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        await server.save(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]))
    def asked(params: types.CodeActionParams) -> list[types.CodeAction]:
        return server.actions(params.text_document.uri, params.range)

    @server.command(REPAIR)
    async def repair(uri: str, version: int, name: str) -> str:
        return await server.repair(uri, version, name)

    try:
        server.start_io()
    finally:
        server.finish()
