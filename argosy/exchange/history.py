"""The past of the market as data clients page through it: bars of any timeframe, quotes, trades, snapshots; nothing unfinished as finished."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Iterable, Mapping, Sequence

from argosy.core.errors import Misuse
from argosy.core.time import DAY, HOUR, MINUTE, parse
from argosy.exchange.hours import day_of, midnight
from argosy.exchange.market import Best, Board, Candle, Market, Print, book
from argosy.exchange.wire import Body, Refusal, absent, digits, stamp

LIMIT, LIMIT_MAX = 1000, 10_000
_SYMBOL = re.compile(r"[A-Z][A-Z0-9./-]{0,20}")
_FRAME = re.compile(r"(\d+)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_KINDS = ("bars", "quotes", "trades", "auctions")
Row = Candle | Best | Print


def bad(message: str) -> Refusal:
    """400 as the data host says it: without a code."""
    return Refusal(400, 0, message)


def stocks(market: Market, path: str, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v2/stocks/... (`path` is what follows): lists with pages, latest records, snapshots. Refusal 400 or 404."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[-1] == "snapshots" and len(parts) == 1:
        return {board.symbol: snapshot(market, board) for board in _boards(market, query.get("symbols"))}
    if len(parts) == 2 and parts[1] == "snapshot":
        board = _one(market, parts[0])
        return {"symbol": board.symbol, **snapshot(market, board)}
    single = ""
    if parts and parts[0] not in _KINDS and len(parts) > 1:
        single, parts = parts[0], parts[1:]
    if not parts or parts[0] not in _KINDS or len(parts) > 2 or (len(parts) == 2 and parts[1] != "latest"):
        raise absent("endpoint not found")
    kind = parts[0]
    boards = [_one(market, single)] if single else _boards(market, query.get("symbols"))
    if len(parts) == 2:
        found = {board.symbol: row.view() for board in boards if (row := latest(board, kind)) is not None}
        key = kind[:-1] if single else kind
        return {"symbol": single, key: found.get(single)} if single else {key: found}
    answer = page(market, boards, kind, query, now)
    if single:
        return {"symbol": single, kind: answer[kind].get(single, []), "next_page_token": answer["next_page_token"]}
    return answer


def latest(board: Board, kind: str) -> Row | None:
    """The last record of a kind."""
    if kind == "quotes":
        return board.quote
    if kind == "trades":
        return board.trade
    return board.minutes[-1] if board.minutes else board.minute


def snapshot(market: Market, board: Board) -> Body:
    """Last trade and quote, the minute and day at hand, the day before."""
    minute = board.minute or latest(board, "bars")
    rows: list[Row | None] = [board.trade, board.quote, minute, market.today(board), board.days[-1] if board.days else None]
    names = ("latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar")
    return {name: row.view(board.kind) if row is not None else None for name, row in zip(names, rows, strict=True)}


def page(market: Market, boards: Sequence[Board], kind: str, query: Mapping[str, str], now: int) -> Body:
    """One page: symbols in order, one after another; only a null token ends."""
    start = _time(query, "start", midnight(now))
    end = _time(query, "end", now)
    if "end" in query and len(query["end"]) == 10:
        end += DAY - 1
    limit = _whole(query.get("limit"), LIMIT)
    if not 1 <= limit <= LIMIT_MAX:
        raise bad(f"invalid limit: must be from 1 to {LIMIT_MAX}")
    order = query.get("sort", "asc")
    if order not in ("asc", "desc"):
        raise bad(f"invalid sort: {order}")
    frame = query.get("timeframe", "")
    if kind == "bars":
        frame_ns(frame)
    after = _token(query.get("page_token"))
    found: dict[str, list[Body]] = {}
    left, token = limit, None
    for board in sorted(boards, key=lambda b: b.symbol):
        if after and board.symbol < after[0]:
            continue
        rows: Sequence[Row] = _rows(board, kind, frame, start, end)
        if order == "desc":
            rows = rows[::-1]
        first = after[1] if after and board.symbol == after[0] else 0
        if first:
            first = _seek(rows, first, after[2] if after else 0, order == "desc")
        if first >= len(rows):
            continue
        if not left:
            token = _write(board.symbol, rows, first)
            break
        taken = rows[first : first + left]
        found[board.symbol] = [row.view(board.kind) for row in taken]
        left -= len(taken)
        if first + len(taken) < len(rows):
            token = _write(board.symbol, rows, first + len(taken))
            break
    return {kind: found, "next_page_token": token}


def _rows(board: Board, kind: str, frame: str, start: int, end: int) -> list[Row]:
    if kind == "quotes":
        return [row for row in list(board.quotes) if start <= row.t <= end]
    if kind == "trades":
        return [row for row in list(board.trades) if start <= row.t <= end]
    if kind == "auctions":
        return []
    return [row for row in candles(board, frame) if start <= row.t <= end]


def crypto(market: Market, path: str, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v1beta3/crypto/us/... : bars, quotes, trades, snapshots, and latest/ of each, with order books. Refusal 400 or 404."""
    latest_, _, kind = path.partition("/") if path.startswith("latest/") else ("", "", path)
    boards = _boards(market, query.get("symbols"), "crypto")
    if kind == "snapshots":
        return {"snapshots": {board.symbol: snapshot(market, board) for board in boards}}
    if latest_ and kind == "orderbooks":
        found = {b.symbol: {**book(b.quote), "t": stamp(b.quote.t)} for b in boards if b.quote is not None}
        return {kind: found}
    if kind not in ("bars", "quotes", "trades"):
        raise absent("endpoint not found")
    if latest_:
        return {kind: {board.symbol: row.view("crypto") for board in boards if (row := latest(board, kind)) is not None}}
    return page(market, boards, kind, query, now)


def options(market: Market, kind: str, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v1beta1/options/bars and /trades. Refusal 400."""
    return page(market, _boards(market, query.get("symbols"), "option"), kind, query, now)


def candles(board: Board, frame: str) -> list[Candle]:
    """All bars of a timeframe; the last may be unfinished, as the venue gives it."""
    span, unit = frame_ns(frame)
    minutes = [*board.minutes, *([board.minute] if board.minute else [])]
    if unit in ("Min", "Hour"):
        return minutes if span == MINUTE else _joined(minutes, lambda t: t - t % span)
    days = list(board.days)
    last = days[-1].t if days else 0
    days += _joined([row for row in minutes if row.t > last and day_of(row.t) > day_of(last)], midnight)
    if unit == "Day":
        return days if span == DAY else _joined(days, lambda t: t - t % span)
    if unit == "Week":
        return _joined(days, lambda t: t - (t - 4 * DAY) % (7 * DAY))
    months = span // (30 * DAY)
    return _joined(days, lambda t: parse(_month(t, months)))


def _joined(rows: Iterable[Candle], bucket: Callable[[int], int]) -> list[Candle]:
    out: list[Candle] = []
    for row in rows:
        start = bucket(row.t)
        if out and out[-1].t == start:
            out[-1].join(row)
        else:
            out.append(Candle(start, row.o, row.h, row.l, row.c, row.v, row.n, row.worth))
    return out


def frame_ns(frame: str) -> tuple[int, str]:
    """(ns, unit) of "1Min", "15Min", "1Hour", "1Day", "1Week", "3Month"; Refusal 400 for others."""
    match = _FRAME.fullmatch(frame)
    if match is None:
        raise bad(f"invalid timeframe: {frame}")
    count = int(match[1])
    unit = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}.get(match[2], match[2])
    most = {"Min": 59, "Hour": 23, "Day": 1, "Week": 1, "Month": 12}[unit]
    if not 1 <= count <= most:
        raise bad(f"invalid timeframe: {frame}")
    return count * {"Min": MINUTE, "Hour": HOUR, "Day": DAY, "Week": 7 * DAY, "Month": 30 * DAY}[unit], unit


def _month(ns: int, months: int) -> str:
    year, month, _ = day_of(ns).split("-")
    return f"{year}-{(int(month) - 1) // months * months + 1:02d}-01"


def _time(query: Mapping[str, str], field: str, default: int) -> int:
    if field not in query:
        return default
    try:
        return parse(query[field].replace(" ", "+"))
    except Misuse:
        raise bad(f"invalid {field}: {query[field]}") from None


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not digits(text):
        raise bad(f"invalid limit: {text}")
    return int(text)


def _boards(market: Market, symbols: str | None, kind: str = "equity") -> list[Board]:
    if not symbols:
        raise bad("symbols is required")
    names = dict.fromkeys(symbols.split(","))
    for symbol in names:
        if not _SYMBOL.fullmatch(symbol):
            raise bad(f"invalid symbol: {symbol}")
    return [board for symbol in names if (board := market.board(symbol)) is not None and board.kind == kind]


def _one(market: Market, symbol: str) -> Board:
    boards = _boards(market, symbol)
    if not boards:
        raise Refusal(404, 0, f"no data found for {symbol}")
    return boards[0]


def _write(symbol: str, rows: Sequence[Row], first: int) -> str:
    """Where the next page begins: symbol, time of its first row, and how many rows of that time were sent."""
    at = rows[first].t
    sent = 0
    while sent < first and rows[first - 1 - sent].t == at:
        sent += 1
    return urlsafe_b64encode(f"{symbol}|{at}|{sent}".encode()).decode()


def _token(text: str | None) -> tuple[str, int, int] | None:
    if not text:
        return None
    try:
        symbol, at, sent = urlsafe_b64decode(text.encode()).decode().split("|")
        return symbol, int(at), int(sent)
    except (ValueError, Error):
        raise bad("invalid page_token") from None


def _seek(rows: Sequence[Row], at: int, sent: int, down: bool) -> int:
    for place, row in enumerate(rows):
        if row.t == at:
            return place + sent
        if (row.t < at) if down else (row.t > at):
            return place
    return len(rows)
