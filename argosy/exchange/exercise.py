"""How options end at the exchange: exercised, assigned or worthless, with a row for each and the shares moved; it decides no price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.errors import Misuse
from argosy.core.events import Expiry
from argosy.exchange.accounts import Account
from argosy.exchange.market import Board, Contract
from argosy.exchange.wire import PER_SHARE, PER_USD, Refusal, forbidden, name, shares, unfit

if TYPE_CHECKING:
    from argosy.exchange.venue import Exchange

LEAST = 0.01
"""Dollars by which an option must be in the money to be exercised by itself (Options Clearing Corporation, Rule 805)."""


def exercise(exchange: Exchange, account: Account, symbol: str) -> None:
    """Exercise all contracts that are held and free of orders. Raises Refusal."""
    board = _held(exchange, account, symbol, "cannot exercise short position")
    contract = _terms(board)
    lots = account.lots(board.row.id) - account.reserved.get((board.row.id, -1), 0)
    if lots <= 0:
        raise forbidden("no available position for the specified contract")
    cost = float(contract.strike) * 100 * lots / PER_SHARE * PER_USD
    if contract.side > 0 and cost > account.power(exchange.market, exchange.now):
        raise forbidden("insufficient buying power")
    _deliver(exchange, account, board, lots, "OPEXC")


def leave(exchange: Exchange, account: Account, symbol: str) -> None:
    """Do not exercise at expiry what is held of a contract. Raises Refusal."""
    account.left.add(_held(exchange, account, symbol, "cannot submit DNE for short position").row.id)


def assign(exchange: Exchange, board: Board, many: int = 0) -> int:
    """Assign the writers of an option, all or so many contracts of each; how many contracts were."""
    _terms(board)
    done = 0
    for account in exchange.accounts.values():
        short = -account.lots(board.row.id)
        if short > 0:
            lots = min(short, many * PER_SHARE) if many else short
            _deliver(exchange, account, board, -lots, "OPASN")
            done += lots // PER_SHARE
    return done


def expire(exchange: Exchange) -> None:
    """End the options whose last day closes now: in the money by a cent exercised or assigned, the others worthless."""
    market, now = exchange.market, exchange.now
    for board in market.boards:
        contract = board.contract
        if contract is None or board.over or contract.expires > now:
            continue
        board.over = True
        spot = market.boards[contract.under].mark()
        worth = contract.worth(spot)
        for account in exchange.accounts.values():
            lots = account.lots(board.row.id)
            if lots and worth >= LEAST - 1e-9 and not (lots > 0 and board.row.id in account.left):
                _deliver(exchange, account, board, lots, "OPEXC" if lots > 0 else "OPASN")
            elif lots:
                account.move(board.row.id, -lots, 0)
                account.core.adopt(board.row.id, 0)
                account.book("OPEXP", 0, now, {"symbol": board.symbol, "qty": shares(-lots), "description": "option expired worthless"})
            exchange.hear(account, account.core.apply(Expiry(now, now, board.row.id, spot, worth), now))


def _deliver(exchange: Exchange, account: Account, board: Board, lots: int, kind: str) -> None:
    """Take options away and move their shares against the strike. lots: signed, as held."""
    contract, now = _terms(board), exchange.now
    under = exchange.market.boards[contract.under]
    moved = lots * 100 * contract.side
    cash = -moved // PER_SHARE * int(contract.strike * PER_USD)
    group = name(account.seed, "group", len(account.activities))
    account.move(board.row.id, -lots, 0)
    account.core.adopt(board.row.id, account.lots(board.row.id))
    account.book(kind, 0, now, {"symbol": board.symbol, "qty": shares(-lots), "group_id": group, "description": f"{contract.symbol} {kind}"})
    account.move(under.row.id, moved, -cash)
    account.core.adopt(under.row.id, account.lots(under.row.id))
    account.book("OPTRD", cash, now, {
        "symbol": under.symbol, "qty": shares(moved), "price": f"{contract.strike:f}", "group_id": group, "description": f"{contract.symbol} {kind}",
    })  # fmt: skip
    exchange.trim(account, under.row.id)


def _terms(board: Board) -> Contract:
    if board.contract is None:
        raise Misuse("OPTION_TERMS", "it is no option", where=board.symbol)
    return board.contract


def _held(exchange: Exchange, account: Account, symbol: str, short: str) -> Board:
    board = exchange.market.board(symbol)
    if board is None or board.contract is None:
        raise unfit("invalid symbol")
    lots = account.lots(board.row.id)
    if lots < 0:
        raise Refusal(403, 40310001, short)
    if not lots:
        raise forbidden("no available position for the specified contract")
    return board
