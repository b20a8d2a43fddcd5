"""Compares executions, payments, positions and cash with what the venue showed, and says what follows; what another hand did is kept apart.

It is synchronous, asks nobody and reads no clock. No strategy ever gets what it did not order: the house's own book does, or nobody.
A difference is believed when it was the same twice, and all executions and payments were read between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

import msgspec

from argosy.core.events import Account, Adjust, CashFlow, Dividend, Event, Fill, Split, Status
from argosy.core.money import money_text
from argosy.core.orders import Order
from argosy.core.shown import ShownAccount, ShownFill, ShownOrder, ShownPayment
from argosy.core.time import DAY
from argosy.desk.executions import Executions
from argosy.desk.findings import Ask, Finding, Policy, Step
from argosy.engine.state import DRIFT, State
from argosy.kernels import ledger

NAN = float("nan")
HAND = "HAND "
ADOPTED = "ADOPTED"
UNEXPLAINED = "CASH_UNEXPLAINED"
SAME_SPLIT = 4 * DAY
"""Two splits of one instrument that lie nearer are one, told twice."""
_notional = ledger.notional.py


class Moves(Protocol):
    """When an instrument moved last."""

    def instrument(self, i: int, asked: int, /) -> bool: ...


class Doubt(msgspec.Struct, frozen=True):
    """A difference as it was seen, and how many walks of executions and payments there had been."""

    difference: int
    fills: int
    payments: int


class Balances:
    """What the account holds against what our books say.

    hands:  instruments on which another hand's order is open; barred: instruments that are not traded until all agrees, and why
    booked: causes of adjustments that are in the books, each naming the venue's row
    flows, dividends: (ts, units) and (ts, instrument, each) that the journal has and no row was found for yet; so a restart books none again
    splits: (ts, instrument) of those that are in the books
    clean:  whether the last comparison looked at everything and all agreed
    """

    def __init__(
        self, state: State, executions: Executions, quiet: Moves, policy: Policy, told: Callable[..., list[Finding]],
        calm: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.state = state
        self.policy = policy
        self.hands: set[int] = set()
        self.barred: dict[int, str] = {}
        self.booked: set[str] = set()
        self.flows: Counter[tuple[int, int]] = Counter()
        self.dividends: Counter[tuple[int, int, float]] = Counter()
        self.splits: list[tuple[int, int]] = []
        self.clean = False
        self._awaited: dict[int, tuple[Fraction, int]] = {}
        self._looked: dict[int, int] = {}
        self._executions = executions
        self._quiet = quiet
        self._tell = told
        self._calm = calm
        self._pending: dict[int, dict[str, ShownFill]] = {}
        self._doubts: dict[int, Doubt] = {}
        self._lack: Doubt | None = None
        self._walks = [0, 0]

    # -- what moved --------------------------------------------------------------------------------------------------------

    def moved(self, fills: Sequence[ShownFill] | None, payments: Sequence[ShownPayment] | None, now: int) -> Iterator[Finding]:
        """Executions and payments as they happened, each once for ever; None: they were not read.

        Each finding must be acted upon before the next is taken: a split counts the lots that the execution before it brought.
        """
        rows: list[ShownFill | ShownPayment] = [*(fills or ()), *(payments or ())]
        for row in sorted(rows, key=lambda row: row.ts):
            yield from self._fill(row, now) if isinstance(row, ShownFill) else self._payment(row, now)
        self._walks[0] += fills is not None
        self._walks[1] += payments is not None

    def _fill(self, row: ShownFill, now: int) -> list[Finding]:
        if not row.ours:
            return self._hand(row, now)
        if row.instrument < 0 or not self._executions.lacks(row.name, row.instrument, row.lots):
            return []
        fill = Fill(
            min(row.ts or now, now), now, row.instrument, row.number, row.name, row.side, row.lots, row.price, row.notional, row.fee,
            leaves=row.leaves,
        )  # fmt: skip
        return [Step(fill, "FILL_MISSING", f"{row.symbol}: {row.lots} lots of order {row.number}")]

    def _hand(self, row: ShownFill, now: int) -> list[Finding]:
        """A trade of another hand, by the rule of its symbol."""
        pending = self._pending.setdefault(row.instrument, {})
        if HAND + row.name in self.booked or row.name in pending:
            return []
        rule = self.policy.of(row.symbol)
        said = "bought" if row.side > 0 else "sold"
        text = f"{row.symbol}: another hand {said} {row.lots} lots at {row.price:g}; policy: {rule}"
        found = self._tell(f"hand {row.name}", "HAND_TRADE", text, page=rule == "halt")
        if row.instrument < 0 or rule == "ignore":
            self.booked.add(HAND + row.name)
            return [*found, *self._flow(row.ts, now, -row.notional - row.fee, "HAND_TRADE", row.symbol)]
        if rule == "adopt":
            return [*found, self._adopt(row, now)]
        pending[row.name] = row
        return [*found, *self.bar(row.instrument, now, "another hand traded it")]

    def _adopt(self, row: ShownFill, now: int) -> Finding:
        self.booked.add(HAND + row.name)
        ts, currency = min(row.ts or now, now), self.state.instruments[row.instrument].currency
        adjust = Adjust(ts, now, row.instrument, row.side * row.lots, row.price, -row.notional - row.fee, currency, HAND + row.name)
        return Step(adjust, "HAND_TRADE", row.symbol)

    def _flow(self, ts: int, now: int, amount: int, code: str, text: str) -> list[Finding]:
        """Money that came or went: never profit. It is known again by its moment and its size."""
        if self.flows[ts, amount] > 0:
            self.flows[ts, amount] -= 1
            return []
        return [Step(CashFlow(ts, now, self.state.portfolio.base, amount), code, text)] if amount else []

    def _payment(self, row: ShownPayment, now: int) -> list[Finding]:
        i, cause = row.instrument, f"{row.word} {row.id}"
        if cause in self.booked:
            return []
        self.booked.add(cause)
        if row.kind == "flow" and row.ts:
            return self._flow(row.ts, now, row.amount, row.word, row.id)
        ours = i >= 0 and self.policy.of(row.symbol) != "ignore"
        if ours and row.kind == "split":
            return [*self._split(row, now), *self._cash(row, row.amount, now, cause)]
        if ours and row.kind == "dividend" and row.each == row.each and self.state.portfolio.lots[i]:
            return self._dividend(row, now, cause)
        if not ours or not row.lots:
            return self._cash(row, row.amount, now, cause)
        price, one = self.state.portfolio.marks[i], self.state.instruments[i]
        worth = int(_notional(row.lots, price, one.scale)) if row.kind == "transfer" and price == price else 0
        adjust = Adjust(min(row.ts or now, now), now, i, row.lots, price, row.amount - worth, one.currency, cause)
        found: list[Finding] = [Step(adjust, row.word, row.symbol)]
        return [*found, Step(CashFlow(now, now, one.currency, worth), row.word, row.symbol)] if worth else found

    def _split(self, row: ShownPayment, now: int) -> list[Finding]:
        """A split, unless it is in the books. Its ratio is what it made of the lots that we had."""
        if not row.lots or any(i == row.instrument and abs(ts - row.ts) <= SAME_SPLIT for ts, i in self.splits):
            return []
        held = self.state.portfolio.lots[row.instrument]
        ratio = ratio_of(held, row.lots)
        if ratio is None:
            text = f"{row.symbol}: a split brought {row.lots} lots to {held}, which is no ratio"
            return self._tell(f"split {row.id}", "SPLIT_UNCLEAR", text, page=True)
        return [Step(Split(row.ts or now, now, row.instrument, float(ratio)), "SPLIT", f"{row.symbol}: {ratio}")]

    def split(self, event: Split) -> None:
        """A split is in the books."""
        self.splits.append((event.ts, event.instrument))

    def awaits(self, i: int, ratio: Fraction, until: int) -> None:
        """A split was announced: until `until` (ns) the venue may still count as before it, and that is no difference."""
        self._awaited[i] = ratio, until

    def splitting(self, order: Order, row: ShownOrder) -> bool:
        """Whether the venue's count of an order is ours before or after a split, so that it is no change of anybody's.

        One that is in the books and not at the venue yet is waited for; one that the venue has and nobody told us of is asked for, once.
        """
        if not row.lots or row.lots == order.lots:
            return False
        ratio = Fraction(row.lots, order.lots)
        pairs = [(theirs, ours) for theirs, ours in ((row.limit, order.limit), (row.stop, order.stop)) if ours == ours]
        if not pairs or any(not abs(theirs * float(ratio) - ours) <= 0.02 * max(1.0, float(ratio)) for theirs, ours in pairs):
            return False
        if order.instrument in self._awaited:
            return self._awaited[order.instrument][0] * ratio == 1
        return self._walks[1] <= self._looked.setdefault(order.id, self._walks[1])

    def _unsplit(self, i: int, there: int, now: int) -> bool:
        """Whether the venue counts as before a split that is in the books."""
        ratio, until = self._awaited.get(i, (Fraction(1), 0))
        lots = self.state.portfolio.lots[i]
        if not until or now > until or there == lots:
            self._awaited.pop(i, None)
            return False
        return int(there * ratio) == lots

    def _dividend(self, row: ShownPayment, now: int, cause: str) -> list[Finding]:
        """To whom holds it; what the broker paid beside that (it was held by another count at the record date) to the house."""
        i = row.instrument
        key = (row.ts or now, i, row.each)
        if self.dividends[key] > 0:
            self.dividends[key] -= 1
            return []
        portfolio = self.state.portfolio
        rest = row.amount - int(_notional(portfolio.lots[i], row.each, portfolio.scale[i]))
        dividend = Step(Dividend(key[0], now, i, row.each, row.currency), "DIVIDEND", row.symbol)
        return [dividend, *self._cash(row, rest, now, cause)]

    def _cash(self, row: ShownPayment, amount: int, now: int, cause: str) -> list[Finding]:
        adjust = Adjust(min(row.ts or now, now), now, -1, 0, NAN, amount, row.currency, cause)
        return [Step(adjust, row.word, row.symbol)] if amount else []

    # -- positions and cash ----------------------------------------------------------------------------------------------

    def compared(self, shown: ShownAccount, asked: int, now: int) -> list[Finding]:
        """Positions and cash against the books.

        asked: when the question was sent; an instrument that moved since, or shortly before, is not judged
        """
        found: list[Finding] = []
        self.clean = False
        lots = self.state.portfolio.lots
        judged = True
        for row in self.state.instruments:
            i = row.id
            if self.policy.of(row.symbol) == "ignore":
                found += self._agree(i, now)
            elif not self._quiet.instrument(i, asked):
                judged = False
            else:
                position = shown.positions.get(i)
                there = position.lots if position is not None else 0
                if i in self._awaited and self._unsplit(i, there, now):
                    judged = False
                    continue
                difference = there - lots[i]
                found += self._differs(i, difference, shown, now) if difference else self._agree(i, now)
        for symbol, qty in shown.strange.items():
            found += self._tell(f"strange {symbol} {qty}", "HAND_POSITION", f"the account holds {qty} of {symbol}, which this desk does not know")
        if any(isinstance(one, Step) and isinstance(one.event, Adjust) for one in found):
            return [*found, Ask("account", code=DRIFT)]  # the books are others now: looked at again
        if not judged:
            return found
        if not self._doubts and not any(map(self._pending.get, self.barred)):
            found += self._cash_differs(shown, now)
        certain = not any(isinstance(one, Ask) for one in found)
        self.clean = certain and not self._doubts and self._lack is None and not self.barred
        if self.clean or (certain and self._doubts):
            found.append(Step(self._evidence(shown, now), "ACCOUNT"))
        return found

    def _evidence(self, shown: ShownAccount, now: int) -> Event:
        """The venue's own count, for those who prove themselves by it; what is left out of comparisons is left out of it."""
        held = {i: position.lots for i, position in shown.positions.items() if position.lots}
        for row in self.state.instruments:
            if self.policy.of(row.symbol) == "ignore":
                held[row.id] = self.state.portfolio.lots[row.id]
        return Account(now, now, shown.currency, shown.cash, shown.equity, shown.power, held)

    def _agree(self, i: int, now: int) -> list[Finding]:
        """Books and venue hold the same: it may be traded, unless another hand's order is open."""
        self._doubts.pop(i, None)
        rule = self.policy.of(self.state.instruments[i].symbol)
        pending = list(self._pending.get(i, {}).values())
        if rule != "ignore" and sum(row.side * row.lots for row in pending) != 0:
            return _ask("HAND_TRADE")  # the other half of it is not known yet, or came after the question
        self._pending.pop(i, None)
        found: list[Finding] = [self._adopt(row, now) for row in pending]  # there and back: the house's, for better or worse
        if i in self.barred and not (i in self.hands and rule == "halt"):
            del self.barred[i]
            found.append(Step(Status(now, now, i, False, DRIFT), "DRIFT_OVER", self.state.instruments[i].symbol))
        return found

    def _differs(self, i: int, difference: int, shown: ShownAccount, now: int) -> list[Finding]:
        doubt, certain = self._doubted(self._doubts.get(i), difference, f"drift {i}")
        self._doubts[i] = doubt
        if not certain:
            return _ask(DRIFT)
        symbol = self.state.instruments[i].symbol
        if self.policy.of(symbol) == "adopt":
            del self._doubts[i]
            return self._adopted(i, difference, shown, now)
        text = f"{symbol}: the venue holds {difference:+d} lots more than the books; it is not traded until they agree"
        return [*self.bar(i, now, text), *self._tell(f"drift {i}", DRIFT, text, page=True)]

    def _doubted(self, doubt: Doubt | None, difference: int, key: str) -> tuple[Doubt, bool]:
        """(what is doubted, whether it is certain): the same difference as before, and both walks since."""
        if doubt is None or doubt.difference != difference:
            self._calm(key)
            return Doubt(difference, *self._walks), False
        return doubt, doubt.fills < self._walks[0] and doubt.payments < self._walks[1]

    def _adopted(self, i: int, difference: int, shown: ShownAccount, now: int) -> list[Finding]:
        """Take what is there into the house's book: by its trades where they are known and make it up, else in kind.

        In kind means that its worth came in with it: no profit, no loss. Lots first, so that after a crash between the two nothing
        is adopted twice and the cash says what is missing.
        """
        pending = list(self._pending.pop(i, {}).values())
        if pending and sum(row.side * row.lots for row in pending) == difference:
            return [self._adopt(row, now) for row in pending]
        row, position, price = self.state.instruments[i], shown.positions.get(i), self.state.portfolio.marks[i]
        if price != price and position is not None:
            price = position.price if position.price == position.price else position.average
        worth = int(_notional(difference, price, row.scale)) if price == price else 0
        text = f"{row.symbol}: {difference:+d} lots that nothing explains are taken into the house's book"
        found = self._tell(f"adopted {i} {now}", ADOPTED, text, page=True)
        found.append(Step(Adjust(now, now, i, difference, price, -worth, row.currency, ADOPTED), ADOPTED, row.symbol))
        if worth:
            found.append(Step(CashFlow(now, now, row.currency, worth), ADOPTED, row.symbol))
        return found

    def _cash_differs(self, shown: ShownAccount, now: int) -> list[Finding]:
        portfolio = self.state.portfolio
        difference = shown.cash - portfolio.cash[portfolio.currency_index(shown.currency)]
        if abs(difference) <= self.policy.cash_units:
            self._lack = None
            return []
        self._lack, certain = self._doubted(self._lack, difference, "cash")
        if not certain:
            return _ask("CASH_DRIFT")
        text = f"the account has {money_text(difference, shown.currency)} more than the books, and nothing explains it"
        found = self._tell("cash", "CASH_DRIFT", text, page=True)
        if self.policy.cash == "adopt":
            self._lack = None
            found += [Step(Adjust(now, now, -1, 0, NAN, difference, shown.currency, UNEXPLAINED), UNEXPLAINED, text), Ask("account")]
        return found

    def bar(self, i: int, now: int, why: str) -> list[Finding]:
        """Do not trade an instrument until all agrees."""
        if i in self.barred:
            return []
        self.barred[i] = why
        return [Step(Status(now, now, i, True, DRIFT), DRIFT, why)]


def _ask(code: str) -> list[Finding]:
    return [Ask("fills", code=code), Ask("payments", code=code), Ask("account", code=code)]


def ratio_of(held: int, more: int) -> Fraction | None:
    """The ratio of a split that made `held + more` of `held` lots; None where that is no ratio that companies use."""
    after = held + more
    if after * held <= 0:
        return None
    ratio = Fraction(after, held).limit_denominator(100)
    return ratio if abs(held * ratio - after) < 1 and ratio != 1 else None
