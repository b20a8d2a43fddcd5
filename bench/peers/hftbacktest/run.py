"""One resting order in hftbacktest against a tape of trades: bought one tick aside, sold one tick aside, and so on; no fee."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    EXCH_EVENT,
    FILLED,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

NEVER = 1 << 62


@njit
def play(hbt, low, high):
    """Buy at `low`, sell at `high`, again and again; the number of fills and the cash."""
    fills, cash, number, side = 0, 0.0, 1, 1
    hbt.wait_next_feed(True, NEVER)  # it takes orders from the first event on
    hbt.submit_buy_order(0, number, low, 1.0, GTC, LIMIT, False)
    while True:
        code = hbt.wait_next_feed(True, NEVER)
        if code == 1:
            break
        if code == 3:
            order = hbt.orders(0).get(number)
            if order is not None and order.status == FILLED:
                fills += 1
                cash -= side * (low if side > 0 else high)
                side = -side
                hbt.clear_inactive_orders(0)
                number += 1
                if side > 0:
                    hbt.submit_buy_order(0, number, low, 1.0, GTC, LIMIT, False)
                else:
                    hbt.submit_sell_order(0, number, high, 1.0, GTC, LIMIT, False)
    return fills, cash, hbt.position(0)


def prepare(trades):
    """Its event records. trades: (T, 3) ns, price, aggressor's side; the two levels are those of the caller."""
    levels, rows = trades[0], trades[1:]
    events = np.zeros(len(rows), event_dtype)
    side = np.where(rows[:, 2] > 0, BUY_EVENT, SELL_EVENT)
    events["ev"] = np.uint64(EXCH_EVENT | LOCAL_EVENT | TRADE_EVENT) | side.astype(np.uint64)
    events["exch_ts"] = events["local_ts"] = rows[:, 0].astype(np.int64)
    events["px"] = rows[:, 1]
    events["qty"] = 1.0
    return events, float(levels[0]), float(levels[1]), float(rows[-1, 1])


def run(prepared):
    """Fills and what the account gained."""
    events, low, high, last = prepared
    asset = (
        BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(0, 0).risk_adverse_queue_model()
        .no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(0.01).lot_size(1.0).last_trades_capacity(0)
    )  # fmt: skip
    hbt = HashMapMarketDepthBacktest([asset])
    fills, cash, position = play(hbt, low, high)
    hbt.close()
    return fills, cash + position * last
