"""Cash, positions and activities agree to the last unit over random sessions, driven through HTTP; the same seed gives the same session."""

import asyncio
import json
import random
from decimal import Decimal
from hashlib import blake2b

import aiohttp
import pytest

from argosy.core.time import SECOND, parse
from argosy.exchange import exercise
from argosy.exchange.feed import Live
from argosy.exchange.hours import Hours
from argosy.exchange.rest import answer
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange
from argosy.kernels.fees import FeeSchedule
from tests.exchange.official import KEY, OPEN, SECRET, Broker, broker

HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


def wish(rng: random.Random, symbol: str, mark: float) -> dict:
    """Some order or other."""
    side = rng.choice(["buy", "sell"])
    kind = rng.choice(["market", "market", "limit", "limit", "stop", "stop_limit", "trailing_stop"])
    body: dict = {"symbol": symbol, "side": side, "type": kind, "time_in_force": rng.choice(["day", "gtc"])}
    body["qty"] = rng.choice([1, 3, 10, 25]) if kind != "market" or rng.random() < 0.7 else round(rng.random() * 5, 9) or 1
    if body["qty"] != int(body["qty"]):
        body["time_in_force"] = "day"
    away = round(mark * (1 + rng.uniform(-0.01, 0.01)), 2)
    if kind in ("limit", "stop_limit"):
        body["limit_price"] = away
    if kind in ("stop", "stop_limit"):
        body["stop_price"] = round(mark * (1 + (0.002 if side == "buy" else -0.002)), 2)
    if kind == "trailing_stop":
        body["trail_percent"] = 0.5
    if kind == "market" and body["qty"] == int(body["qty"]) and rng.random() < 0.4:
        up = 1 if side == "buy" else -1
        body |= {"order_class": "bracket", "take_profit": {"limit_price": round(mark * (1 + 0.004 * up), 2)},
                 "stop_loss": {"stop_price": round(mark * (1 - 0.004 * up), 2)}}  # fmt: skip
    return body


async def session(house: Broker, seed: int, steps: int) -> dict:
    """A random session; what the account says at its end."""
    rng = random.Random(seed)
    mids = {"AAPL": 100.0, "MSFT": 200.0}
    ids: list[str] = []
    async with aiohttp.ClientSession(house.server.url, headers=HEAD) as web:

        async def ask(method: str, path: str, **more: object) -> tuple[int, object]:
            async with web.request(method, path, **more) as reply:
                raw = await reply.read()
                assert reply.status < 500, raw
                return reply.status, json.loads(raw) if raw else None

        for _ in range(steps):
            symbol = rng.choice(["AAPL", "MSFT"])
            mids[symbol] *= 1 + rng.gauss(0, 0.002)
            mid = round(mids[symbol], 2)
            await ask("POST", "/_ctl/quote", json={"symbol": symbol, "bid": round(mid - 0.01, 2), "ask": round(mid + 0.01, 2)})
            act = rng.random()
            if act < 0.6:
                status, order = await ask("POST", "/v2/orders", json=wish(rng, symbol, mids[symbol]))
                if status == 200:
                    ids.append(order["id"])
            elif act < 0.7 and ids:
                await ask("DELETE", f"/v2/orders/{rng.choice(ids)}")
            elif act < 0.8 and ids:
                await ask("PATCH", f"/v2/orders/{rng.choice(ids)}", json={"qty": rng.choice([2, 5]), "limit_price": mid})
            elif act < 0.88 and ids:
                await ask("POST", "/_ctl/fill", json={"order_id": rng.choice(ids), "qty": 1})
            elif act < 0.92:
                await ask("DELETE", "/v2/positions/AAPL", params={"percentage": str(rng.choice([10, 33.3, 100]))})
            elif act < 0.96:
                await ask("POST", "/_ctl/clock", json={"is_open": rng.random() < 0.7})
            else:
                await ask("POST", "/_ctl/hold_fills", json={"on": rng.random() < 0.5})
            await ask("POST", "/_ctl/stats")
        account = (await ask("GET", "/v2/account"))[1]
        rows: list = []
        while True:
            page = (await ask("GET", "/v2/account/activities", params={"direction": "asc", **({"page_token": rows[-1]["id"]} if rows else {})}))[1]
            if not page:
                break
            rows += page
        positions = (await ask("GET", "/v2/positions"))[1]
        orders = (await ask("GET", "/v2/orders", params={"status": "all", "limit": "500"}))[1]
    return {"account": account, "rows": rows, "positions": positions, "orders": orders}


def check(end: dict) -> int:
    """Count cash and positions anew from the activities alone, as somebody would who knows nothing of us."""
    cash, held, filled = Decimal(0), {}, {}
    fills = 0
    for row in end["rows"]:
        if row["activity_type"] != "FILL":
            cash += Decimal(row["net_amount"])
            continue
        fills += 1
        sign = 1 if row["side"] == "buy" else -1
        qty, price = Decimal(row["qty"]), Decimal(row["price"])
        cash -= sign * (qty * price).quantize(Decimal("0.000001"))
        held[row["symbol"]] = held.get(row["symbol"], Decimal(0)) + sign * qty
        filled[row["order_id"]] = filled.get(row["order_id"], Decimal(0)) + qty
    assert cash == Decimal(end["account"]["cash"])
    assert {p["symbol"]: Decimal(p["qty"]) for p in end["positions"]} == {s: q for s, q in held.items() if q}
    for order in end["orders"]:
        assert Decimal(order["filled_qty"]) == filled.get(order["id"], 0)
        if order["status"] == "filled" and order["qty"] is not None:
            assert Decimal(order["qty"]) == Decimal(order["filled_qty"])
    account = end["account"]
    worth = sum(Decimal(p["market_value"]) for p in end["positions"])
    assert Decimal(account["equity"]) == Decimal(account["cash"]) + worth
    assert Decimal(account["equity"]) == Decimal(account["cash"]) + Decimal(account["long_market_value"]) + Decimal(account["short_market_value"])
    return fills


@pytest.mark.parametrize("seed", range(6))
def test_the_books_agree(seed: int) -> None:
    with broker() as house:
        house.ctl("rate_limit", limit=0)
        assert check(asyncio.run(session(house, seed, 150))) > 5


def _play(seed: int) -> str:
    """The digest of all frames and answers of a session without a wall clock."""
    digest = blake2b()
    feed = Live(["AAPL", "MSFT"], OPEN, seed)
    exchange = Exchange(feed.symbols, [("K", "S")], OPEN, seed=seed, hours=Hours(forced=True), terms=Terms(fees=FeeSchedule(sec_rate=27.8e-6)))
    feed.begin(exchange)
    account = exchange.accounts["K"]
    exchange.told = lambda _, frame: digest.update(repr(frame).encode())
    exchange.market.told = lambda channel, symbol, row: digest.update(f"{channel}{symbol}{row}".encode())
    rng = random.Random(1)
    for step in range(200):
        while feed.due <= OPEN + step * SECOND // 2:
            exchange.advance(feed.due)
            feed.step(exchange)
        body = wish(rng, "AAPL", exchange.market.boards[0].mark())
        digest.update(repr(answer(exchange, account, "POST", "/v2/orders", {}, json.dumps(body).encode())).encode())
    exchange.audit()
    return digest.hexdigest()


CHAIN = [f"AAPL261120{right}{strike:08d}" for right in "CP" for strike in (95_000, 100_000, 105_000)] + ["AAPL261127C00100000", "AAPL261127P00100000"]


def _mixed(rng: random.Random) -> dict:
    """Some order in shares, coins, options or several of them."""
    side, kind = rng.choice(["buy", "sell"]), rng.random()
    if kind < 0.25:
        return {"symbol": "BTC/USD", "qty": round(rng.random() / 5, 6), "side": side, "type": "market", "time_in_force": "gtc"}
    if kind < 0.6:
        return {"symbol": rng.choice(CHAIN), "qty": rng.randint(1, 3), "side": side, "type": "market", "time_in_force": "day"}
    if kind < 0.8:
        legs = [{"symbol": s, "ratio_qty": str(r), "side": rng.choice(["buy", "sell"])} for s, r in zip(rng.sample(CHAIN, 3), (1, 2, 1), strict=True)]
        return {"qty": 1, "type": "market", "time_in_force": "day", "order_class": "mleg", "legs": legs}
    return {"symbol": "AAPL", "qty": 100 * rng.randint(1, 3), "side": side, "type": "market", "time_in_force": "day"}


@pytest.mark.parametrize("seed", range(5))
def test_the_books_agree_with_options_and_coins(seed: int) -> None:
    rng = random.Random(seed)
    now = parse("2026-11-20T20:00:00Z")  # an hour before contracts end
    terms = Terms(cash=200_000, margin_rate=0.06, borrow_rate=0.02, fees=FeeSchedule(sec_rate=27.8e-6))
    exchange = Exchange(["AAPL", "BTC/USD"], [("K", "S")], now, seed=seed, terms=terms)
    account = exchange.accounts["K"]
    exchange.quote("BTC/USD", 50_000.0, 50_010.0)
    taken = 0
    for step in range(150):
        mid = 100 + rng.uniform(-8, 8)
        exchange.advance(now + step * 20 * SECOND)
        exchange.quote("AAPL", round(mid - 0.01, 2), round(mid + 0.01, 2))
        taken += answer(exchange, account, "POST", "/v2/orders", {}, json.dumps(_mixed(rng)).encode())[0] == 200
        if step % 30 == 29:
            answer(exchange, account, "POST", f"/v2/positions/{rng.choice(CHAIN)}/exercise", {}, b"")
            exercise.assign(exchange, exchange.board(rng.choice(CHAIN[6:])), 1)
        exchange.audit()
    for day in ("20T21:00:00", "23T15:00:00", "27T18:00:00", "30T15:00:00"):
        exchange.advance(parse(f"2026-11-{day}Z"))
        exchange.audit()
    kinds = {row.kind for row in account.activities}
    assert taken > 40 and {"FILL", "OPEXP", "OPTRD"} <= kinds
    assert not any(board.contract is not None and account.lots(board.row.id) for board in exchange.market.boards)  # all have ended
    cash, held = Decimal(0), {}
    for row in (activity.body for activity in account.activities):  # from the rows alone, as somebody would who knows nothing of us
        symbol, kind = row.get("symbol"), row["activity_type"]
        if kind == "FILL":
            sign, size = (1 if row["side"] == "buy" else -1), (100 if len(symbol) > 10 else 1)
            cash -= sign * (Decimal(row["qty"]) * Decimal(row["price"]) * size).quantize(Decimal("0.000001"))
            held[symbol] = held.get(symbol, Decimal(0)) + sign * Decimal(row["qty"])
        else:
            cash += Decimal(row["net_amount"])
            if kind.startswith("OP"):
                held[symbol] = held.get(symbol, Decimal(0)) + Decimal(row["qty"])
    view = account.view(exchange.market, exchange.now)
    assert cash == Decimal(view["cash"])
    positions = {exchange.market.boards[i].symbol: Decimal(p.lots) / 10**9 for i, p in account.positions.items()}
    assert positions == {symbol: qty for symbol, qty in held.items() if qty}
    assert Decimal(view["equity"]) == Decimal(view["cash"]) + Decimal(view["long_market_value"]) + Decimal(view["short_market_value"])


def test_the_same_seed_is_the_same_session() -> None:
    assert _play(4) == _play(4) != _play(5)
