"""The page that stops a desk: which level, and the reason, which is kept; nothing is sent before Enter."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

LEVELS = {
    "reduce": "L1  reduce    nothing that enlarges a position; what rests, rests",
    "halt": "L2  halt      cancel entries; stops stay",
    "flatten": "L3  flatten   cancel, and close everything at the market",
    "dark": "L4  dark      as halt, and end the desk",
}


class Order(NamedTuple):
    """What was chosen: a verb of the desk and the reason."""

    verb: str
    reason: str


class Reason(ModalScreen[Order | None]):
    """Asks why. verb: what will be said; title: what it means."""

    BINDINGS: ClassVar = [Binding("escape", "back", "back")]

    def __init__(self, verb: str, title: str) -> None:
        super().__init__()
        self._verb = verb
        self._title = title

    def compose(self) -> ComposeResult:
        """A line to write in."""
        with Vertical(classes="ask"):
            yield Label(self._title, classes="title")
            yield Input(placeholder="why? Enter sends it, Escape leaves it", id="reason")

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A reason was given; without one nothing is sent."""
        if event.value.strip():
            self.dismiss(Order(self._verb, event.value.strip()))

    def action_back(self) -> None:
        """Nothing is done."""
        self.dismiss(None)


class Kill(ModalScreen[Order | None]):
    """Asks how to stop."""

    BINDINGS: ClassVar = [Binding("escape", "back", "back")]

    def compose(self) -> ComposeResult:
        """The levels, the mildest first."""
        with Vertical(classes="ask"):
            yield Label("Stop: how far?", classes="title")
            yield OptionList(*(Option(text, id=verb) for verb, text in LEVELS.items()))

    def on_mount(self) -> None:
        """Halt is what is mostly meant."""
        options = self.query_one(OptionList)
        options.highlighted = list(LEVELS).index("halt")
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A level was chosen: ask why."""
        verb = str(event.option_id)
        self.app.push_screen(Reason(verb, LEVELS[verb]), self._given)

    def _given(self, order: Order | None) -> None:
        self.dismiss(order)

    def action_back(self) -> None:
        """Nothing is done."""
        self.dismiss(None)
