"""A shell in an empty folder, with the strategies of the house registered whether or not the package is installed."""

import json
from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core import plugins

HOUSE = {
    "buy_and_hold": "argosy.strategies.buy_and_hold:BuyAndHold",
    "trend": "argosy.strategies.trend:Trend",
    "breaks": "tests.cli.conftest:Breaks",
}


class Breaks:
    """A strategy with a mistake in it."""

    def on_bar(self, bar, book):
        return 1 / (bar.close - bar.close)


class Shell:
    """`shell("backtest", "trend")` -> exit status, stdout, stderr."""

    def __init__(self):
        self._runner = CliRunner()

    def __call__(self, *words):
        self.result = self._runner.invoke(app, list(words))
        self.out, self.err, self.code = self.result.stdout, self.result.stderr, self.result.exit_code
        return self

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        assert self.out == ""
        return json.loads(self.err)["error"]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in list(__import__("os").environ):
        if name.startswith("ARGOSY_") and "__" in name:
            monkeypatch.delenv(name)
    points = {name: EntryPoint(name, value, "argosy.strategies") for name, value in HOUSE.items()}
    monkeypatch.setattr(plugins, "found", lambda group: points if group == "argosy.strategies" else {})
    return Shell()
