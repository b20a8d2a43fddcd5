"""What happens between sessions, without a socket: the night session, what owing costs, orders that grow old; by hand calculation."""

import pytest

from argosy.core.time import DAY, parse
from argosy.exchange.hours import Hours
from argosy.exchange.interest import nights
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange
from tests.exchange.test_sessions import FRIDAY, house, send, state, to


def test_the_night_before_a_session_is_one() -> None:
    hours = Hours()
    for at, phase in (
        ("2026-11-21T00:59:59Z", "post"), ("2026-11-21T01:00:00Z", "closed"),  # Friday, eight in the evening
        ("2026-11-23T00:59:59Z", "closed"), ("2026-11-23T01:00:00Z", "overnight"),  # Sunday, eight in the evening
        ("2026-11-23T08:59:59Z", "overnight"), ("2026-11-23T09:00:00Z", "pre"), ("2026-11-24T01:00:00Z", "overnight"),
        ("2026-11-26T03:00:00Z", "closed"), ("2026-11-27T02:00:00Z", "overnight"),  # before and after Thanksgiving
    ):  # fmt: skip
        assert hours.phase(parse(at)) == phase, at


def test_orders_for_long_hours_fill_at_night_unless_one_said_no() -> None:
    for off, status in ((False, "filled"), (True, "accepted")):
        exchange, _ = house("2026-11-23T02:00:00Z")
        exchange.accounts["K"].settings["disable_overnight_trading"] = off
        order = send(exchange, kind="limit", limit_price=100.5, extended_hours=True)
        plain = send(exchange, kind="limit", limit_price=99)
        assert state(exchange, order)[0] == status and state(exchange, plain)[0] == "accepted"
        assert order["expires_at"] == "2026-11-24T01:00:00.000000000Z"  # the end of the day that the night belongs to
        to(exchange, "2026-11-23T09:00:00Z")
        assert state(exchange, order)[0] == "filled"


def test_orders_good_till_canceled_grow_old() -> None:
    exchange, _ = house()
    order = send(exchange, kind="limit", limit_price=90, time_in_force="gtc")
    for days in range(8, 97, 8):
        exchange.advance(parse(FRIDAY) + days * DAY)
        if days < 90:
            assert state(exchange, order)[0] == "new", days
    assert state(exchange, order)[0] == "canceled"


@pytest.mark.parametrize(("at", "days"), [("2026-11-20T21:00:00Z", 3), ("2026-11-23T21:00:00Z", 1), ("2026-11-25T21:00:00Z", 2)])
def test_nights_to_the_next_session(at: str, days: int) -> None:
    assert nights(Hours(), parse(at)) == days


def test_what_owing_and_borrowing_cost() -> None:
    exchange, _ = house(cash=10_000, margin_rate=0.0625, borrow_rate=0.03)
    account = exchange.accounts["K"]
    send(exchange, 150)  # 15,003 of 10,000: 5,003 are owed
    to(exchange, FRIDAY + "T21:00:00Z")
    row = account.activities[-1]
    assert (row.kind, row.amount) == ("INT", -2_605_729)  # 5,003 x 6.25 % x 3 / 360
    assert account.cash == -5_003_000_000 - 2_605_729
    exchange.reset(10_000)
    to(exchange, "2026-11-23T14:30:00Z")
    exchange.quote("AAPL", 100.00, 100.02)
    send(exchange, 50, "sell")
    to(exchange, "2026-11-23T21:00:00Z")
    rows = [(r.kind, r.amount) for r in account.activities[2:]]
    assert rows == [("FEE", -416_708)]  # 50 x 100.01 x 3 % / 360; what the sale brought is no cash of one's own, and none is owed
    exchange.audit()


def test_what_a_short_sale_brings_pays_no_debt() -> None:
    terms = Terms(cash=10_000, margin_rate=0.0625)
    exchange = Exchange(["AAPL", "MSFT"], [("K", "S")], parse("2026-11-23T15:00:00Z"), seed=5, terms=terms)
    exchange.quote("AAPL", 100.00, 100.02)
    exchange.quote("MSFT", 200.00, 200.02)
    send(exchange, 150)  # 5,003 are owed
    send(exchange, 20, "sell", symbol="MSFT")
    account = exchange.accounts["K"]
    assert account.cash == -1_003_000_000
    to(exchange, "2026-11-23T21:00:00Z")
    assert (account.activities[-1].kind, account.activities[-1].amount) == ("INT", -868_611)  # 5,003.20 x 6.25 % / 360


def test_what_is_sold_in_the_closing_auction_settles_with_the_day() -> None:
    hours = Hours()
    monday = parse("2026-11-23T14:30:00Z")
    assert hours.settles(parse(FRIDAY + "T20:59:59Z")) == hours.settles(parse(FRIDAY + "T21:00:00Z")) == monday
    assert hours.settles(parse(FRIDAY + "T21:00:01Z")) == parse("2026-11-24T14:30:00Z")


def test_nothing_is_charged_by_itself() -> None:
    exchange = Exchange(["AAPL"], [("K", "S")], parse(FRIDAY + "T15:00:00Z"), seed=5, terms=Terms(cash=10_000))
    exchange.quote("AAPL", 100.00, 100.02)
    send(exchange, 150)
    to(exchange, "2026-11-24T22:00:00Z")
    assert [r.kind for r in exchange.accounts["K"].activities] == ["CSD", "FILL"]
