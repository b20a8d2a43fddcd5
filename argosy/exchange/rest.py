"""The exchange's REST, without a socket: a method, a path, a query and a body make a status and an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from argosy.core.time import DAY, HOUR, MINUTE, SECOND
from argosy.exchange import corporate, exercise, history, options, screener, watchlists
from argosy.exchange import news as articles
from argosy.exchange.accounts import Account
from argosy.exchange.hours import eastern
from argosy.exchange.market import Board
from argosy.exchange.orders import Ticket
from argosy.exchange.venue import Exchange
from argosy.exchange.wire import Body, Refusal, absent, digits, flag, invalid, stamp, when

Query = Mapping[str, str]
Answer = tuple[int, Any]


class Call(msgspec.Struct):
    """One request: who asks, what for. tail: what follows the fixed part of the path."""

    exchange: Exchange
    account: Account
    query: Query
    raw: bytes
    tail: str = ""

    def body(self) -> Any:
        """The JSON of the body; Refusal 400 when it is none."""
        try:
            return msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, RecursionError):
            raise Refusal(400, 40010000, "request body format is invalid") from None


def answer(exchange: Exchange, account: Account, method: str, path: str, query: Query, raw: bytes) -> Answer:
    """What the venue says; refusals are answers too."""
    call = Call(exchange, account, query, raw)
    try:
        found = FIXED.get((method, path))
        if found is None:
            for verb, head, handle in UNDER:
                if verb == method and path.startswith(head):
                    call.tail = path[len(head) :]
                    found = handle
                    break
        if found is None:
            raise absent("endpoint not found")
        return found(call)
    except Refusal as refusal:
        return refusal.status, refusal.body


# -- orders ------------------------------


def submit(call: Call) -> Answer:
    """An order is sent."""
    return 200, call.exchange.submit(call.account, call.body())


def one_order(call: Call) -> Answer:
    """One order by id."""
    ticket = call.exchange.find(call.account, call.tail)
    if ticket.hidden > call.exchange.now:
        raise absent(f"order not found for {call.tail}")
    return 200, call.exchange.show(call.account, ticket, flag(call.query.get("nested", "true"), "nested"))


def by_client(call: Call) -> Answer:
    """One order by the client's id."""
    client = call.query.get("client_order_id", "")
    ticket = call.account.clients.get(client)
    if ticket is None or ticket.hidden > call.exchange.now:
        raise absent(f"order not found for {client}")
    return 200, call.exchange.show(call.account, ticket)


def replace(call: Call) -> Answer:
    """An order is replaced."""
    return 200, call.exchange.replace(call.account, call.tail, call.body())


def cancel(call: Call) -> Answer:
    """An order is taken back."""
    call.exchange.cancel(call.account, call.tail)
    return 204, None


def cancel_all(call: Call) -> Answer:
    """All open orders are taken back."""
    rows = []
    for ticket in call.account.open():
        if ticket.status == "pending_cancel" or not ticket.live:
            if ticket.live:
                rows.append({"id": ticket.id, "status": 500, "body": {"code": 50010000, "message": "unable to cancel order"}})
            else:
                rows.append({"id": ticket.id, "status": 200})
            continue
        try:
            call.exchange.cancel(call.account, ticket.id)
            rows.append({"id": ticket.id, "status": 200})
        except Refusal as refusal:
            rows.append({"id": ticket.id, "status": refusal.status, "body": refusal.body})
    return 207, rows


def orders(call: Call) -> Answer:
    """Orders, filtered and in pages by time or id."""
    query, account = call.query, call.account
    status = query.get("status", "open")
    if status not in ("open", "closed", "all"):
        raise invalid(f"invalid status: {status}")
    limit = whole(query, "limit", 50, 500)
    direction = way(query)
    nested = flag(query.get("nested", "false"), "nested")
    rows: list[Ticket] = list(account.open() if status == "open" else account.tickets.values())
    rows = [t for t in rows if (status != "closed" or not t.live) and t.hidden <= call.exchange.now]
    if nested:
        rows = [t for t in rows if t.parent is None]
    if query.get("symbols"):
        names = set(query["symbols"].split(","))
        rows = [t for t in rows if t.symbol in names or (t.klass == "mleg" and any(leg.symbol in names for leg in t.legs))]
    if query.get("side"):
        side = {"buy": 1, "sell": -1}.get(query["side"])
        if side is None:
            raise invalid(f"invalid side: {query['side']}")
        rows = [t for t in rows if t.side == side]
    if query.get("asset_class") not in (None, "", "all"):
        wanted = set(query["asset_class"].split(","))
        rows = [t for t in rows if (t.sort or "us_option") in wanted]
    ids = [field for field in ("before_order_id", "after_order_id") if query.get(field)]
    if ids and (query.get("after") or query.get("until")):
        raise invalid("before_order_id and after_order_id are not allowed with after and until")
    for field in ids:
        at = call.exchange.find(account, query[field]).number
        rows = [t for t in rows if (t.number < at if field == "before_order_id" else t.number > at)]
    if query.get("after"):
        low = when(query["after"], "after")
        rows = [t for t in rows if t.submitted > low]
    if query.get("until"):
        high = when(query["until"], "until")
        rows = [t for t in rows if t.submitted < high]
    rows.sort(key=lambda t: (t.submitted, t.number), reverse=direction == "desc")
    return 200, [call.exchange.show(account, t, nested) for t in rows[:limit]]


def whole(query: Query, field: str, default: int, most: int) -> int:
    """A whole number of a query; Refusal 422 outside 1 to `most`."""
    text = query.get(field)
    if text is None:
        return default
    if not digits(text) or not 1 <= int(text) <= most:
        raise invalid(f"invalid {field}: {text}")
    return int(text)


def way(query: Query) -> str:
    """asc or desc."""
    direction = query.get("direction", "desc")
    if direction not in ("asc", "desc"):
        raise invalid(f"invalid direction: {direction}")
    return direction


# -- positions ------------------------------


def positions(call: Call) -> Answer:
    """All positions."""
    return 200, [call.account.holding(i, call.exchange.market) for i in sorted(call.account.positions)]


def held(call: Call) -> Board:
    """The board of a position; Refusal 404."""
    board = call.exchange.market.board(call.tail)
    if board is None:
        raise absent(f"symbol not found: {call.tail}")
    if board.row.id not in call.account.positions:
        raise absent("position does not exist")
    return board


def position(call: Call) -> Answer:
    """One position."""
    return 200, call.account.holding(held(call).row.id, call.exchange.market)


def close(call: Call) -> Answer:
    """A position, or a part of it, is closed."""
    board = held(call)
    return 200, call.exchange.close(call.account, board, call.query.get("qty"), call.query.get("percentage"))


def close_all(call: Call) -> Answer:
    """All positions are closed."""
    exchange, account = call.exchange, call.account
    if flag(call.query.get("cancel_orders", "false"), "cancel_orders"):
        cancel_all(call)
    rows = []
    for instrument in sorted(account.positions):
        board = exchange.market.boards[instrument]
        row: Body = {"symbol": board.symbol}
        try:
            order = exchange.close(account, board)
            rows.append(row | {"status": 200, "order_id": order["id"], "body": order})
        except Refusal as refusal:
            rows.append(row | {"status": refusal.status, "body": refusal.body})
    return 207, rows


# -- the account ------------------------------


def account(call: Call) -> Answer:
    """The account."""
    return 200, call.account.view(call.exchange.market, call.exchange.now)


def settings(call: Call) -> Answer:
    """The account's configuration."""
    return 200, call.account.settings


_ALLOWED = {"max_margin_multiplier": ("1", "2", "4"), "trade_confirm_email": ("all", "none")}


def set_settings(call: Call) -> Answer:
    """The account's configuration is changed."""
    body = call.body()
    if not isinstance(body, dict):
        raise Refusal(400, 40010000, "request body format is invalid")
    changed: Body = {}
    for field, value in body.items():
        old = call.account.settings.get(field)
        if value is None or field not in call.account.settings:
            continue
        if field in _ALLOWED and str(value) not in _ALLOWED[field]:
            raise invalid(f"invalid {field}: {value}")
        if isinstance(old, bool) and not isinstance(value, bool):
            raise invalid(f"{field} must be a boolean")
        if field == "max_options_trading_level" and value not in range(4):
            raise invalid(f"invalid {field}: {value}")
        changed[field] = value
    call.account.settings.update(changed)
    if "max_margin_multiplier" in changed:
        call.account.multiplier = min(int(changed["max_margin_multiplier"]), call.exchange.terms.multiplier)
    return 200, call.account.settings


def activities(call: Call) -> Answer:
    """All that changed the account, in pages by the last id."""
    query, kinds = call.query, call.tail or call.query.get("activity_types", "")
    if call.tail and query.get("activity_types"):
        raise invalid("activity_types cannot be given with a type in the path")
    category = query.get("category")
    size = whole(query, "page_size", 100, 100)
    down = way(query) == "desc"
    low, high = 0, 1 << 63
    if query.get("date"):
        low = when(query["date"], "date")
        high = low + DAY
    if query.get("after"):
        low = when(query["after"], "after") + 1
    if query.get("until"):
        high = when(query["until"], "until")
    wanted = set(kinds.split(",")) if kinds else None
    rows = call.account.activities
    token = query.get("page_token")
    first = len(rows) - 1 if down else 0
    if token:
        place = call.account.places.get(token)
        if place is None:
            raise invalid(f"invalid page_token: {token}")
        first = place - 1 if down else place + 1
    found = []
    for place in range(first, -1, -1) if down else range(first, len(rows)):
        row = rows[place]
        if wanted is not None and row.kind not in wanted:
            continue
        if category and (row.kind == "FILL") != (category == "trade_activity"):
            continue
        if low <= row.at < high:
            found.append(row.body)
            if len(found) == size:
                break
    return 200, found


_PERIOD = {"D": DAY, "W": 7 * DAY, "M": 30 * DAY, "A": 365 * DAY, "Y": 365 * DAY}
_STEP = {"1Min": MINUTE, "5Min": 5 * MINUTE, "15Min": 15 * MINUTE, "1H": HOUR, "1D": DAY}


def portfolio(call: Call) -> Answer:
    """The account's equity over time."""
    query, now = call.query, call.exchange.now
    period = query.get("period", "1M")
    count, unit = period[:-1], period[-1:]
    if not digits(count) or unit not in _PERIOD:
        raise invalid(f"invalid period: {period}")
    length = int(count) * _PERIOD[unit]
    end = when(query.get("end") or query["date_end"], "end") if query.get("end") or query.get("date_end") else now
    start = when(query["start"], "start") if query.get("start") else end - length
    frame = query.get("timeframe") or ("1Min" if end - start < 7 * DAY else "15Min" if end - start < 30 * DAY else "1D")
    if frame not in _STEP:
        raise invalid(f"invalid timeframe: {frame}")
    step = _STEP[frame]
    rows = [*call.account.curve, (now, call.account.equity(call.exchange.market))]
    kept: dict[int, int] = {}
    for at, units in rows:
        if start <= at <= end:
            kept[at - at % step] = units
    base = call.account.first
    equity = [round(units / 1e6, 6) for units in kept.values()]
    gains = [round((units - base) / 1e6, 6) for units in kept.values()]
    return 200, {
        "timestamp": [at // SECOND for at in kept], "equity": equity, "profit_loss": gains,
        "profit_loss_pct": [round(gain * 1e6 / base, 9) if base else None for gain in gains], "base_value": base / 1e6,
        "base_value_asof": stamp(call.account.created)[:10], "timeframe": frame, "cashflow": {},
    }  # fmt: skip


# -- the market ------------------------------


def clock(call: Call) -> Answer:
    """Whether the market is open."""
    said = call.exchange.hours.clock(call.exchange.now)
    if call.exchange.skew:
        said["timestamp"] = eastern(call.exchange.now + call.exchange.skew)
    return 200, said


def calendar(call: Call) -> Answer:
    """The sessions."""
    now = call.exchange.now
    start = when(call.query["start"], "start") if call.query.get("start") else now - now % DAY - 365 * DAY
    end = when(call.query["end"], "end") if call.query.get("end") else now - now % DAY + 365 * DAY
    if end < start:
        raise invalid("start must be before end")
    return 200, call.exchange.hours.calendar(start, end)


def assets(call: Call) -> Answer:
    """What is traded."""
    query, market = call.query, call.exchange.market
    if query.get("status", "active") not in ("active", "all"):
        return 200, []
    rows = [market.asset(board) for board in market.boards if board.kind != "option"]
    for field, key in (("asset_class", "class"), ("exchange", "exchange")):
        rows = [row for row in rows if query.get(field) in (None, "", row[key])]
    if query.get("attributes"):
        wanted = set(query["attributes"].split(","))
        rows = [row for row in rows if wanted <= set(row["attributes"])]
    return 200, rows


def asset(call: Call) -> Answer:
    """One symbol."""
    board = call.exchange.market.board(call.tail)
    if board is None:
        raise absent(f"asset not found for {call.tail}")
    return 200, call.exchange.market.asset(board)


def stocks(call: Call) -> Answer:
    """Market data."""
    return 200, history.stocks(call.exchange.market, call.tail, call.query, call.exchange.now)


def actions(call: Call) -> Answer:
    """Corporate actions that have happened."""
    return 200, corporate.listed(call.exchange, call.query)


def news(call: Call) -> Answer:
    """News."""
    return 200, articles.listed(call.exchange.market, call.query)


def coins(call: Call) -> Answer:
    """Market data of crypto."""
    return 200, history.crypto(call.exchange.market, call.tail, call.query, call.exchange.now)


def contracts(call: Call) -> Answer:
    """Option contracts, or one of them."""
    exchange, now = call.exchange, call.exchange.now
    if not call.tail:
        return 200, options.listed(exchange.market, exchange.chain, call.query, now)
    board = exchange.market.board(call.tail)
    if board is None or board.contract is None:
        raise absent(f"option contract not found for {call.tail}")
    return 200, options.view(exchange.market, board.contract, now, True)


def option_prices(call: Call) -> Answer:
    """Market data of options; bars and trades of the past as stocks have them."""
    exchange = call.exchange
    if call.tail in ("bars", "trades"):
        return 200, history.options(exchange.market, call.tail, call.query, exchange.now)
    return 200, options.prices(exchange.market, exchange.chain, call.tail, call.query, exchange.now)


def instruct(call: Call) -> Answer:
    """An option is to be exercised, or not."""
    symbol, _, what = call.tail.partition("/")
    act = {"exercise": exercise.exercise, "do-not-exercise": exercise.leave}.get(what)
    if act is None:
        raise absent("endpoint not found")
    act(call.exchange, call.account, symbol)
    return 200, None


def lists(method: str) -> Callable[[Call], Answer]:
    """Watchlists, with one verb of HTTP."""

    def handle(call: Call) -> Answer:
        return watchlists.answer(method, call.tail, call.query, call.account, call.exchange.market, call.body, call.exchange.now)

    return handle


def screened(call: Call) -> Answer:
    """Most actives and movers."""
    return 200, screener.answer(call.exchange.market, call.tail, call.query, call.exchange.now)


FIXED: dict[tuple[str, str], Callable[[Call], Answer]] = {
    ("POST", "/v2/orders"): submit,
    ("GET", "/v2/orders"): orders,
    ("DELETE", "/v2/orders"): cancel_all,
    ("GET", "/v2/orders:by_client_order_id"): by_client,
    ("GET", "/v2/positions"): positions,
    ("DELETE", "/v2/positions"): close_all,
    ("GET", "/v2/account"): account,
    ("GET", "/v2/account/configurations"): settings,
    ("PATCH", "/v2/account/configurations"): set_settings,
    ("GET", "/v2/account/activities"): activities,
    ("GET", "/v2/account/portfolio/history"): portfolio,
    ("GET", "/v2/clock"): clock,
    ("GET", "/v2/calendar"): calendar,
    ("GET", "/v2/assets"): assets,
    ("GET", "/v1/corporate-actions"): actions,
    ("GET", "/v1beta1/news"): news,
    ("GET", "/v2/options/contracts"): contracts,
}
UNDER: tuple[tuple[str, str, Callable[[Call], Answer]], ...] = (
    ("GET", "/v2/orders/", one_order),
    ("PATCH", "/v2/orders/", replace),
    ("DELETE", "/v2/orders/", cancel),
    ("GET", "/v2/positions/", position),
    ("DELETE", "/v2/positions/", close),
    ("GET", "/v2/account/activities/", activities),
    ("GET", "/v2/assets/", asset),
    ("GET", "/v2/stocks/", stocks),
    ("POST", "/v2/positions/", instruct),
    ("GET", "/v2/options/contracts/", contracts),
    ("GET", "/v1beta1/options/", option_prices),
    ("GET", "/v1beta3/crypto/us/", coins),
    ("GET", "/v1beta1/screener/", screened),
    *((method, "/v2/watchlists", lists(method)) for method in ("GET", "POST", "PUT", "DELETE")),
)
