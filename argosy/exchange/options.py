"""Listed options of the simulated market: which there are, what they are quoted at, and what writing them may cost; it books nothing.

Prices are Black-Scholes-Merton values of the underlying's middle at one volatility by symbol, two to six cents wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from hashlib import blake2b

from argosy.core.time import DAY, SECOND
from argosy.exchange.hours import Hours, day_of, day_text
from argosy.exchange.market import OCC, Best, Board, Contract, Market, asset_id
from argosy.exchange.wire import Body, Refusal, digits, invalid, number
from argosy.kernels.options.black import Greeks, bsm, bsm_greeks, practical

YEAR = 365 * DAY
WEEKS = 5
"""Fridays ahead for which there are contracts."""
NEAR, FAR = 0.7, 1.3
"""Strikes from and to these parts of the underlying's price."""
PENNY = 0.01
_value, _greeks = bsm.py, bsm_greeks.py


class Chain:
    """The options of a market. hours: of its calendar; spots: price at which an underlying's strikes were laid out."""

    def __init__(self, market: Market, hours: Hours) -> None:
        self._market = market
        self._hours = hours
        self._spots: dict[int, float] = {}
        self._days: tuple[int, list[tuple[str, int]]] = (0, [])

    def expiries(self, now: int) -> list[tuple[str, int]]:
        """(date, ns of its close) of the Fridays ahead; a Friday without a session has the day before it."""
        start = now - now % DAY
        if self._days[0] != start:
            days: dict[str, tuple[str, int]] = {}
            for _, closes, day in self._hours.sessions(start - DAY, start + (WEEKS * 7 + 1) * DAY):
                at = date.fromisoformat(day_text(day))
                if at.weekday() < 5:
                    days[(at + timedelta(days=4 - at.weekday())).isoformat()] = (at.isoformat(), closes)
            self._days = (start, list(days.values())[: WEEKS + 1])
        return [row for row in self._days[1] if row[1] > now][:WEEKS]

    def strikes(self, under: Board) -> list[Decimal]:
        """The strikes of an underlying: a grid around the price at which it was first asked for."""
        spot = self._spots.get(under.row.id) or under.mark()
        if not spot:
            return []
        self._spots[under.row.id] = spot
        step = Decimal("2.5") if spot < 100 else Decimal(5) if spot < 250 else Decimal(10)
        low, high = int(spot * NEAR / float(step)) + 1, int(spot * FAR / float(step))
        return [step * k for k in range(low, high + 1)]

    def contracts(self, under: Board, now: int) -> Iterator[Contract]:
        """All contracts of an underlying, by date, right and strike."""
        for day, expires in self.expiries(now):
            for side in (1, -1):
                for strike in self.strikes(under):
                    yield Contract(occ(under.symbol, day, side, strike), under.row.id, under.symbol, side, strike, day, expires)

    def find(self, symbol: str, now: int) -> Contract | None:
        """The contract of a symbol that is listed now."""
        parts = OCC.fullmatch(symbol)
        under = self._market.by_name.get(parts[1]) if parts else None
        if parts is None or under is None or under.kind != "equity":
            return None
        day = f"20{parts[2][:2]}-{parts[2][2:4]}-{parts[2][4:]}"
        expires = next((closes for found, closes in self.expiries(now) if found == day), 0)
        strike = Decimal(parts[4]) / 1000
        if not expires or strike not in self.strikes(under):
            return None
        return Contract(symbol, under.row.id, under.symbol, 1 if parts[3] == "C" else -1, strike, day, expires)


def occ(root: str, day: str, side: int, strike: Decimal) -> str:
    """The symbol of a contract."""
    return f"{root}{day[2:4]}{day[5:7]}{day[8:]}{'C' if side > 0 else 'P'}{int(strike * 1000):08d}"


def sigma(root: str) -> float:
    """The volatility of an underlying, from 0.2 to 0.5, the same for the same symbol."""
    return 0.2 + int.from_bytes(blake2b(root.encode(), digest_size=2).digest(), "big") % 301 / 1000


def quoted(contract: Contract, spot: float, now: int) -> tuple[float, float]:
    """(bid, ask) at a price of the underlying, on the cent; the bid is 0 where it is worth less than its half width."""
    years = max(contract.expires - now, SECOND) / YEAR
    value = _value(contract.side, spot, float(contract.strike), years, 0.0, 0.0, sigma(contract.root))
    half = 0.01 if value < 3 else 0.02 if value < 10 else 0.03
    bid = max(round(value - half, 2), 0.0)
    return bid, max(round(value + half, 2), round(bid + PENNY, 2))


def best(market: Market, board: Board, now: int) -> Best | None:
    """The quote of an option now: the one put there by hand, else by its underlying's price."""
    contract = board.contract
    if contract is None or board.pinned:
        return board.quote
    spot = market.boards[contract.under].mark()
    if not spot:
        return None
    bid, ask = quoted(contract, spot, now)
    return Best(now, bid, 20.0, ask, 20.0)


def snapshot(market: Market, contract: Contract, now: int) -> Body:
    """Quote, volatility and greeks of a contract; it need not have a board."""
    board = market.by_name.get(contract.symbol)
    spot = market.boards[contract.under].mark()
    years = max(contract.expires - now, SECOND) / YEAR
    wide = sigma(contract.root)
    found = practical(Greeks(*_greeks(contract.side, spot, float(contract.strike), years, 0.0, 0.0, wide)))
    if board is not None:
        quote = best(market, board, now)
    else:
        bid, ask = quoted(contract, spot, now)
        quote = Best(now, bid, 20.0, ask, 20.0)
    trade = board.trade if board is not None else None
    return {
        "latestTrade": trade.view("option") if trade is not None else None, "latestQuote": quote.view("option") if quote is not None else None,
        "impliedVolatility": wide, "greeks": {name: round(getattr(found, name), 9) for name in ("delta", "gamma", "rho", "theta", "vega")},
    }  # fmt: skip


# -- the list ------------------------------


def view(market: Market, contract: Contract, now: int, deliverables: bool = False) -> Body:
    """The JSON of a contract."""
    under = market.boards[contract.under]
    moment = date.fromisoformat(contract.day)
    body: Body = {
        "id": asset_id(contract.symbol), "symbol": contract.symbol,
        "name": f"{contract.root} {moment:%b %d %Y} {contract.strike.normalize():f} {'Call' if contract.side > 0 else 'Put'}",
        "status": "active" if contract.expires > now else "inactive", "tradable": contract.expires > now, "expiration_date": contract.day,
        "root_symbol": contract.root, "underlying_symbol": contract.root, "underlying_asset_id": under.asset,
        "type": "call" if contract.side > 0 else "put", "style": "american", "strike_price": f"{contract.strike.normalize():f}",
        "multiplier": "100", "size": "100", "open_interest": None, "open_interest_date": None, "close_price": None, "close_price_date": None,
        "ppind": True,
    }  # fmt: skip
    if deliverables:
        body["deliverables"] = [{
            "type": "equity", "symbol": contract.root, "asset_id": under.asset, "amount": "100", "allocation_percentage": "100",
            "settlement_type": "T+1", "settlement_method": "CCC", "delayed_settlement": False,
        }]  # fmt: skip
    return body


def listed(market: Market, chain: Chain, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v2/options/contracts: filtered, in pages; Refusal 422 for a filter that is none."""
    limit = query.get("limit", "100")
    if not digits(limit) or not 1 <= int(limit) <= 10_000:
        raise invalid(f"invalid limit: {limit}")
    names = query.get("underlying_symbols") or query.get("root_symbol") or ""
    unders = [b for b in market.boards if b.kind == "equity" and (not names or b.symbol in names.split(","))]
    last = None if any(query.get(f"expiration_date{end}") for end in ("", "_gte", "_lte")) else day_of(now + 7 * DAY)
    rows = [] if query.get("status") == "inactive" or query.get("style") == "european" else [
        c for under in sorted(unders, key=lambda b: b.symbol) for c in suiting(chain.contracts(under, now), query) if not last or c.day <= last
    ]  # fmt: skip
    first, token = 0, query.get("page_token")
    if token:
        first = next((place for place, c in enumerate(rows) if c.symbol == token), -1)
        if first < 0:
            raise invalid(f"invalid page_token: {token}")
    page = rows[first : first + int(limit)]
    more = rows[first + int(limit)].symbol if len(rows) > first + int(limit) else None
    show = query.get("show_deliverables", "").lower() == "true"
    return {"option_contracts": [view(market, c, now, show) for c in page], "next_page_token": more}


def suiting(contracts: Iterable[Contract], query: Mapping[str, str]) -> Iterator[Contract]:
    """The contracts that a query's filters let through."""
    right = {"call": 1, "put": -1, None: 0}.get(query.get("type"))
    if right is None:
        raise invalid(f"invalid type: {query['type']}")
    low, high = (number(query.get(f"strike_price_{end}", most), "strike_price") for end, most in (("gte", "0"), ("lte", "1E9")))
    exact, since, upto = (query.get(f"expiration_date{end}", "") for end in ("", "_gte", "_lte"))
    for one in contracts:
        in_time = exact in ("", one.day) and since <= one.day <= (upto or "9")
        if in_time and (not right or one.side == right) and low <= one.strike <= high:
            yield one


def prices(market: Market, chain: Chain, path: str, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v1beta1/options/... but for history: latest quotes and trades, snapshots, an underlying's chain."""
    parts = [part for part in path.split("/") if part]
    if parts[:2] == ["meta", "exchanges"]:
        return {"C": "Cboe"}
    if parts[:1] == ["snapshots"] and len(parts) == 2:
        under = market.by_name.get(parts[1])
        rows = list(suiting(chain.contracts(under, now), query)) if under is not None and under.kind == "equity" else []
        first = next((place for place, c in enumerate(rows) if c.symbol == query.get("page_token")), 0)
        said = query.get("limit") or "100"
        if not digits(said) or not 1 <= int(said) <= 1000:
            raise Refusal(400, 0, f"invalid limit: {said}")
        limit = int(said)
        more = rows[first + limit].symbol if len(rows) > first + limit else None
        return {"snapshots": {c.symbol: snapshot(market, c, now) for c in rows[first : first + limit]}, "next_page_token": more}
    if not query.get("symbols"):
        raise Refusal(400, 0, "symbols is required")
    found = [board for symbol in query["symbols"].split(",") if (board := market.board(symbol)) is not None and board.contract is not None]
    if parts == ["snapshots"]:
        return {"snapshots": {b.symbol: snapshot(market, b.contract, now) for b in found if b.contract is not None}, "next_page_token": None}
    if parts == ["quotes", "latest"]:
        return {"quotes": {b.symbol: row.view("option") for b in found if (row := best(market, b, now)) is not None}}
    if parts == ["trades", "latest"]:
        return {"trades": {b.symbol: b.trade.view("option") for b in found if b.trade is not None}}
    raise Refusal(404, 40410000, "endpoint not found")


# -- what writing may cost ------------------------------


def needed(rows: Mapping[Contract, int], shares: int) -> tuple[float, int]:
    """(dollars, shares) that positions in the options of one underlying must have behind them, contracts signed by contract.

    Calls that are not bought back by others need their shares; of the rest the dollars are the worst loss at expiry, over all prices.
    A bought option counts for as long as the last written one lives. `shares`: at hand to cover calls.
    Where calls stay uncovered the dollars are inf. Source: the universal spread rule of margin for option spreads.
    """
    written = [c for c, many in rows.items() if many < 0]
    if not written:
        return 0.0, 0
    last = max(c.expires for c in written)
    live = {c: many for c, many in rows.items() if many < 0 or c.expires >= last}
    naked = max(-sum(many for c, many in live.items() if c.side > 0), 0)
    covered = naked
    for contract in sorted((c for c in written if c.side > 0), key=lambda c: -c.strike):
        taken = min(covered, -live[contract])
        live[contract] += taken
        covered -= taken
    if naked * 100 > shares:
        return float("inf"), naked * 100
    prices_ = [0.0, *(float(c.strike) for c in live)]
    worst = min(sum(many * c.worth(price) for c, many in live.items()) for price in prices_)
    return max(-worst, 0.0) * 100, naked * 100
