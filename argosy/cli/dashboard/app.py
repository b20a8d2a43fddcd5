"""The dashboard: asks the desk how it stands twice a second and draws it; it decides nothing, and every key is a word the shell has too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Footer, Static

from argosy.cli.dashboard import panels
from argosy.cli.dashboard.kill import Kill, Order, Reason
from argosy.core.errors import ArgosyError

EVERY_S = 0.5
CURVE = 600
"""Equities kept for the little curve: five minutes of them."""
COLUMNS = {
    "positions": ("Symbol", "Held", "Paid", "Price", "Worth", "P&L", "Whose"),
    "orders": ("Order", "Symbol", "Side", "Qty", "Filled", "Type", "Price", "Where", "Strategy", "Tag"),
    "strategies": ("Strategy", "Stands", "Equity", "P&L", "Why it rests"),
}
Ask = Callable[..., dict[str, Any]]
"""(verb, **said) -> the desk's answer; raises an ArgosyError where it refuses or is gone."""


class Dashboard(App[int]):
    """One desk on a screen. ask: speaks to it; ends: whether leaving the page ends the desk too."""

    TITLE = "Argosy"
    CSS_PATH = "look.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("k", "kill", "STOP…"),
        Binding("p", "pause", "pause/go on"),
        Binding("r", "resume", "resume"),
        Binding("c", "cancel", "cancel order"),
        Binding("q", "leave", "leave"),
    ]

    def __init__(self, ask: Ask, *, ends: bool = False) -> None:
        super().__init__()
        self._ask = ask
        self._ends = ends
        self._curve: deque[float] = deque(maxlen=CURVE)
        self._told: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """The panels, once."""
        yield Static(id="head")
        with Horizontal(id="top"):
            yield Static(id="money")
            yield Static(id="gauges")
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield DataTable(id="positions", cursor_type="row", zebra_stripes=True)
                yield DataTable(id="orders", cursor_type="row", zebra_stripes=True)
            with Vertical(id="right"):
                yield DataTable(id="strategies", cursor_type="row", zebra_stripes=True)
                with VerticalScroll(id="said"):
                    yield Static(id="decisions")
        yield Static(id="alarms")
        yield Footer()

    def on_mount(self) -> None:
        """Name the panels and begin to look."""
        for name, columns in COLUMNS.items():
            table = self.query_one(f"#{name}", DataTable)
            table.border_title = name
            table.add_columns(*columns)
        for name, title in (("money", "money"), ("gauges", "risk"), ("said", "what it decided"), ("alarms", "alarms")):
            self.query_one(f"#{name}").border_title = title
        self.set_interval(EVERY_S, self.look)
        self.look()

    @work(thread=True, exclusive=True, group="look")
    def look(self) -> None:
        """Ask how it stands, off the screen's own thread."""
        try:
            told = self._ask("status")["status"]
        except ArgosyError as error:
            self.call_from_thread(self.gone, error)
            return
        self.call_from_thread(self.show, told)

    def show(self, told: dict[str, Any]) -> None:
        """Draw a status."""
        self._told = told
        self._curve.append(told["equity"])
        self.query_one("#head", Static).update(panels.head(told))
        self.query_one("#money", Static).update(panels.money(told, list(self._curve), max(10, self.size.width // 2 - 6)))
        self.query_one("#gauges", Static).update(panels.gauges(told, max(10, self.size.width // 2 - 46)))
        self.query_one("#decisions", Static).update(panels.decisions(told))
        self.query_one("#alarms", Static).update(panels.alarms(told))
        self._fill("positions", panels.positions(told), [row["symbol"] for row in told["positions"]])
        self._fill("orders", panels.orders(told), [row["client_id"] for row in told["orders"]])
        self._fill("strategies", panels.strategies(told), [row["id"] for row in told["strategies"]])

    def _fill(self, name: str, rows: list[tuple[Any, ...]], keys: list[str]) -> None:
        """Bring a table to its rows, with the cursor where it was."""
        table = self.query_one(f"#{name}", DataTable)
        if [key.value for key in table.rows] != keys:
            at = table.cursor_row
            table.clear()
            for key, row in zip(keys, rows, strict=True):
                table.add_row(*row, key=key)
            table.move_cursor(row=min(at, len(rows) - 1))
            return
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                if table.get_cell_at((line, column)) != cell:  # type: ignore[arg-type]
                    table.update_cell_at((line, column), cell, update_width=True)  # type: ignore[arg-type]

    def gone(self, error: ArgosyError) -> None:
        """The desk does not answer."""
        self.query_one("#head", Static).update(Text(f" {error.code}: {error.what} ", style="bold reverse red"))
        if error.code == "DESK_NOT_RUNNING" and self._told:
            self.exit(0)

    # -- keys ------------------------------------------------------------------------------------------------------------

    def action_kill(self) -> None:
        """Which way to stop, and why."""
        self.push_screen(Kill(), self._order)

    def _order(self, order: Order | None) -> None:
        if order is not None:
            self._say(order.verb, reason=order.reason)

    def action_resume(self) -> None:
        """Lead out of a level; it asks for a reason."""
        self.push_screen(Reason("resume", "Go on, with small orders first"), self._order)

    def action_pause(self) -> None:
        """Pause the chosen strategy, or let it go on."""
        row = self._chosen("strategies")
        if row is not None:
            active = row["status"] == "active"
            self._say("pause" if active else "unpause", strategy=row["id"], reason="from the dashboard")

    def action_cancel(self) -> None:
        """Give up the chosen order."""
        row = self._chosen("orders")
        if row is not None:
            self._say("cancel", order=row["client_id"], reason="from the dashboard")

    def action_leave(self) -> None:
        """Leave the page; the desk goes on unless it is this page's own."""
        if self._ends:
            self._say("stop", reason="left the dashboard")
        else:
            self.exit(0)

    def _chosen(self, name: str) -> dict[str, Any] | None:
        rows: list[dict[str, Any]] = self._told.get(name, [])
        at = self.query_one(f"#{name}", DataTable).cursor_row
        if not 0 <= at < len(rows):
            self.notify(f"there is nothing in {name}", severity="warning")
            return None
        return rows[at]

    @work(thread=True, group="say")
    def _say(self, verb: str, **said: Any) -> None:
        """Say a word to the desk and show what it answered."""
        try:
            self._ask(verb, **said)
        except ArgosyError as error:
            self.call_from_thread(self.notify, f"{error.what}\n{error.fix}", title=error.code, severity="error", timeout=8)
            return
        self.call_from_thread(self.notify, f"{verb}: done", timeout=3)
        self.call_from_thread(self.look)
