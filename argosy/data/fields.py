"""The values of each row: prices, sizes and sides, judged one by one; an impossible one costs its row, never its neighbour."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Trade
from argosy.data import columns
from argosy.data.numbers import decimal_of, numbers
from argosy.data.sieve import Sieve

Floats = NDArray[np.float64]


class Fields:
    """Reads the columns of a table by what they mean. roles: meaning -> column; decimal: "." or ",", "" = as the file shows.

    notes: what was assumed. Raises Misuse("INGEST_DECIMAL") when 1,234 can be two numbers.
    """

    def __init__(self, sieve: Sieve, roles: dict[str, int], where: str, decimal: str = "", prints: str = "regular") -> None:
        self.table, self.sieve, self.roles = sieve.table, sieve, roles
        self.notes: list[str] = []
        self.prints = prints
        if decimal not in ("", ".", ","):
            raise Misuse("INGEST_DECIMAL", f"{decimal!r} parts no decimals", where="--decimal", fix='use "." or ","')
        told = [place for role, place in roles.items() if role not in _WORDS]
        self.decimal = decimal or decimal_of([self.table.columns[place] for place in told], self.table.delimiter)
        if not self.decimal:
            raise Misuse(
                "INGEST_DECIMAL", "numbers like 1,234 can be one thousand or one and a bit, and no other number tells", where=where,
                fix="say it: --decimal . or --decimal ,",
            )  # fmt: skip
        if self.decimal == "," and not decimal:
            self.notes.append("numbers have a decimal comma")

    def of(self, kind: type[Bar | Quote | Trade], shape: str) -> dict[str, Floats]:
        """The columns of `kind` but its times, each (R,); shape: as `columns.shape` tells."""
        if kind is Trade:
            return self._trades()
        if kind is Quote:
            return self._quotes("_close" if shape == "quotebar" else "")
        if shape == "quotebar":
            return self._middle()
        if shape in ("close", "wide"):
            close = self._price("close")
            self.notes.append("closes only: open, high and low are the close")
            return dict.fromkeys(columns.BAR, close) | {"volume": self._size("volume")}
        bars = {name: self._price(name) for name in columns.BAR}
        return self._ranges(bars) | {"volume": self._size("volume")}

    def closing(self) -> dict[str, Floats]:
        """The quotes at the ends of bars of bid and ask, where each row has both; nothing is refused by it."""
        out: dict[str, Floats] = {}
        for side in columns.SIDES:
            out[side] = numbers(self._column(f"{side}_close"), self.decimal)[0]
            has = f"{side}_size" in self.roles
            out[f"{side}_size"] = numbers(self._column(f"{side}_size"), self.decimal)[0] if has else np.full(len(self.table.lines), np.nan)
        return out

    def adjusted(self) -> Floats | None:
        """The vendor's adjusted closes, nan where there is no number; None when the file has none."""
        return numbers(self._column("adjusted"), self.decimal)[0] if "adjusted" in self.roles else None

    # -- one column ------------------------------------------------------------------------------------------------------

    def _column(self, role: str) -> pl.Series:
        return self.table.columns[self.roles[role]]

    def _name(self, role: str) -> str:
        return self.table.names[self.roles[role]]

    def _number(self, role: str) -> Floats:
        """A column as numbers, nan for blanks; rows with other text are refused."""
        values, bad = numbers(self._column(role), self.decimal)
        self.sieve.refuse(bad, f"{self._name(role)} is not a number")
        return values

    def _price(self, role: str) -> Floats:
        values = self._number(role)
        self.sieve.refuse(np.isnan(values), f"{self._name(role)} is blank")
        with np.errstate(invalid="ignore"):
            self.sieve.refuse(values <= 0, f"{self._name(role)} is zero or negative")
        return values

    def _size(self, role: str) -> Floats:
        """A volume or size: nan when blank or when the file has none."""
        if role not in self.roles:
            return np.full(len(self.table.lines), np.nan)
        values = self._number(role)
        with np.errstate(invalid="ignore"):
            self.sieve.refuse(values < 0, f"{self._name(role)} is negative")
        return values

    # -- one kind --------------------------------------------------------------------------------------------------------

    def _ranges(self, bars: dict[str, Floats]) -> dict[str, Floats]:
        """Bars whose high and low hold the open and the close; a last digit that differs by rounding is widened."""
        opens, highs, lows, closes = (bars[name] for name in columns.BAR)
        with np.errstate(invalid="ignore"):
            self.sieve.refuse(highs < lows, "high is below low")
            top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
            self.sieve.refuse((top > highs * (1 + 1e-6)) | (bottom < lows * (1 - 1e-6)), "open or close is outside high and low")
            touched = int(((top > highs) | (bottom < lows))[self.sieve.alive].sum())
        if touched:
            self.notes.append(f"{touched:,} rows had an open or close beyond high or low by rounding: high or low was widened")
        return {"open": opens, "high": np.fmax(highs, top), "low": np.fmin(lows, bottom), "close": closes}

    def _middle(self) -> dict[str, Floats]:
        """Bars of the middle of bid and ask; rows with one side only are refused. Volume is unknown."""
        sides: dict[str, dict[str, Floats]] = {}
        for side in columns.SIDES:
            sides[side] = {name: self._number(f"{side}_{name}") for name in columns.BAR}
        with np.errstate(invalid="ignore"):
            missing = [np.isnan(values) | (values == 0) for side in sides.values() for values in side.values()]
            one, every = np.any(missing, axis=0), np.all(missing, axis=0)
            self.sieve.refuse(every, "neither bid nor ask")
            self.sieve.refuse(one, "one-sided: no middle")
            self.sieve.refuse(np.any([values < 0 for side in sides.values() for values in side.values()], axis=0), "price is negative")
            crossed = int((sides["bid"]["close"] > sides["ask"]["close"])[self.sieve.alive].sum())
        self.notes.append("bars of bid and ask: stored as bars of the middle (--kind quote stores the closing quotes)")
        if crossed:
            self.notes.append(f"{crossed:,} bars close crossed (bid above ask)")
        bars = {name: (sides["bid"][name] + sides["ask"][name]) / 2 for name in columns.BAR}
        volume = self._size("volume")
        return self._ranges(bars) | {"volume": volume}

    def _quotes(self, suffix: str) -> dict[str, Floats]:
        """Quotes; a side that is zero or blank is nan with size 0, a size the file does not tell is nan."""
        fields: dict[str, Floats] = {}
        self._marked()
        for side in columns.SIDES:
            price = self._number(side + suffix)
            size = self._size(f"{side}_size")
            with np.errstate(invalid="ignore"):
                self.sieve.refuse(price < 0, f"{side} is negative")
                none = np.isnan(price) | (price == 0)
            fields[side] = np.where(none, np.nan, price)
            fields[f"{side}_size"] = np.where(none, 0.0, size)
        self.sieve.refuse(np.isnan(fields["bid"]) & np.isnan(fields["ask"]), "neither bid nor ask")
        return fields

    def _marked(self) -> None:
        """Refuse what the source itself marks as suspicious, and trades whose conditions say that they set no price."""
        if "suspicious" in self.roles:
            flags, _ = numbers(self._column("suspicious"))
            self.sieve.refuse(flags > 0, "marked suspicious by its source")
        if "condition" not in self.roles or "price" not in self.roles or self.prints == "all":
            return
        text = self._column("condition").cast(pl.String).fill_null("").str.strip_chars()
        if not bool(text.str.contains(r"^[0-9A-Fa-f]{1,16}$").all()) or text.str.len_chars().max() == 0:
            return
        bits = np.array([int(word, 16) for word in text.unique(maintain_order=True).to_list()], dtype=np.uint64)
        codes = text.replace_strict(text.unique(maintain_order=True).to_list(), list(range(len(bits))), return_dtype=pl.Int64).to_numpy()
        for bit, name in _NO_PRICE.items():
            self.sieve.refuse(((bits >> np.uint64(bit)) & np.uint64(1)).astype(bool)[codes], f"sets no price: {name} (--prints all keeps it)")

    def _trades(self) -> dict[str, Floats]:
        self._marked()
        values = {"price": self._price("price"), "size": self._number("size")}
        self.sieve.refuse(np.isnan(values["size"]), f"{self._name('size')} is blank")
        with np.errstate(invalid="ignore"):
            self.sieve.refuse(values["size"] <= 0, f"{self._name('size')} is zero or negative")
        return values | {"side": self._side()}

    def _side(self) -> Floats:
        """+1 buyer, -1 seller, 0 unknown."""
        role = "side" if "side" in self.roles else "maker" if "maker" in self.roles else ""
        if not role:
            return np.zeros(len(self.table.lines))
        text = self._column(role).cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
        plus, minus = _SIDES[role]
        return text.is_in(plus).to_numpy() * 1.0 - text.is_in(minus).to_numpy() * 1.0


_WORDS = ("date", "time", "stamp", "ms", "symbol", "id", "side", "maker", "condition", "suspicious")
_NO_PRICE = {
    1: "cash settlement", 2: "next-day settlement", 3: "seller's option", 9: "derivatively priced", 11: "reported late", 14: "out of sequence",
    18: "contingent on options", 20: "an average price", 22: "away from the market", 24: "an official close", 25: "a prior reference price",
    26: "an official open", 31: "an odd lot",
}  # fmt: skip
"""Bits of the hex conditions of tick files under which a print moves neither open, high, low nor last, as the tape's rules say."""

_SIDES = {
    "side": (["buy", "b", "bid", "1", "+1", "buyer"], ["sell", "s", "ask", "a", "-1", "seller"]),
    "maker": (["false", "0"], ["true", "1"]),  # the buyer was there first: the seller took
}
