"""What is rare at Alpaca: strangers, replacements that lose a race, cancels of which nobody answers, orders told late or never."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from argosy.core.effects import Amend, Cancel
from argosy.core.errors import Retry
from argosy.core.events import Account
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret
from argosy.venues.alpaca import facts, words
from argosy.venues.alpaca import messages as ms
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.answer import Accepted, Ambiguous, Refused
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, connect
from argosy.venues.alpaca.codec import WireOrder, ns_of
from argosy.venues.alpaca.feed import Feed
from argosy.venues.alpaca.ledger import Ledger
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from tests.venues.alpaca.server import KEY, SECRET, Alpaca
from tests.venues.alpaca.test_ambiguous import TABLE, order, settled, venue_of
from tests.venues.alpaca.test_history import Script
from tests.venues.alpaca.test_venue import ENTRY, STOP, TAKE, filling, fills, run, works

# -- cancels and amendments ---------------------------------------------------------------------------------------------------


def test_a_cancel_of_an_ambiguous_order_finds_it_first() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        left = ["504_after"]
        server.fault = lambda method, path: left.pop() if method == "POST" and left else ""
        assert (await venue.submit(order(4))).outcome == "ambiguous"
        assert (await venue.cancel(Cancel(4))).outcome == "accepted"
        assert [row["status"] for row in server.orders.values()] == ["canceled"]
        await settled(venue)
        assert server.posts["TEST4"] == 1

    run(work)


def test_a_cancel_of_what_was_refused_asks_nobody() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(order(4, 1))
        before = len(server.seen)
        reply = await venue.cancel(Cancel(4))
        assert (reply.outcome, reply.code) == ("refused", "NOT_CANCELABLE") and "40310000" in reply.text
        assert len(server.seen) == before

    run(work)


def test_a_cancel_that_came_too_late_is_a_no_also_where_its_answer_was_lost() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(order(4))

        def fault(method: str, path: str) -> str:
            if method == "DELETE":
                server.fill("TEST4", "1", "100", tell=False)
                server.fault = lambda method, path: ""
                return "504_before"
            return ""

        server.fault = fault
        reply = await venue.cancel(Cancel(4))
        assert (reply.outcome, reply.code) == ("refused", "NOT_CANCELABLE") and "filled" in reply.text

    run(work)


def test_an_amendment_is_found_by_the_order_that_took_its_place() -> None:
    """The answer is lost and the new one is not known by our name yet: the old one says by whom it was replaced."""

    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        left = ["504_after"]

        def fault(method: str, path: str) -> str:
            if method == "PATCH" and left:
                return left.pop()
            if path == "/v2/orders:by_client_order_id":
                server.names.pop("TEST4.1", None)
            return ""

        server.fault = fault
        assert (await venue.amend(Amend(4, limit=101.0))).outcome == "accepted"
        assert len(server.orders) == 2 and venue.ledger.placed[4].id == list(server.orders)[1]

    run(work)


def test_an_amendment_of_which_nobody_says_anything_is_ambiguous() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fault = lambda method, path: "504_before"
        assert (await venue.amend(Amend(4, limit=101.0))).outcome == "ambiguous"
        left = ["504_before"]
        server.fault = lambda method, path: left.pop() if method == "PATCH" and left else "404" if path.endswith("nothing") else ""
        assert (await venue.amend(Amend(4, limit=101.0))).outcome == "accepted"
        assert [row["limit_price"] for row in server.orders.values()] == ["100", "101"]

    run(work, Patience(order_s=0.2, read_s=0.1, first_s=0.02))


def test_a_replacement_for_what_was_filled_meanwhile_is_taken_back() -> None:
    """All but nothing of the order fills while its replacement is made: what is left to want is nothing, so the new one goes."""

    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fault = filling(server, "6")
        assert (await venue.amend(Amend(4, lots=6, limit=101.0))).outcome == "accepted"
        assert [row["status"] for row in server.orders.values()] == ["replaced", "canceled"]

    run(work)


def test_what_the_old_order_filled_is_asked_and_where_it_is_not_said_nothing_is_changed() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        replaced = [False]

        def fault(method: str, path: str) -> str:
            replaced[0] |= method == "PATCH"
            return "504_before" if replaced[0] and method == "GET" else ""

        server.fault = fault
        assert (await venue.amend(Amend(4, lots=6, limit=101.0))).outcome == "accepted"
        assert [row["qty"] for row in server.orders.values()] == ["10", "6"]

    run(work, Patience(order_s=1.0, read_s=0.1, first_s=0.02))


def test_what_must_be_known_is_asked_for_until_it_is() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        asked = [0]

        async def ask() -> int:
            asked[0] += 1
            if asked[0] < 4:
                raise Retry("VENUE_SILENT", "not yet")
            return asked[0]

        assert await venue._resolver.insist(ask) == 4

    run(work, Patience(first_s=0.001))


# -- strangers and fills --------------------------------------------------------------------------------------------------------


def test_a_position_that_is_not_traded_here_is_kept() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        server.positions["ZZZZ"] = 5
        server.positions["AAPL"] = -3
        (account,) = [event for event in await venue.snapshot() if isinstance(event, Account)]
        assert account.positions == {0: -3}
        assert [(kind, thing.symbol) for kind, thing in venue.odd.kept] == [("position", "ZZZZ")]

    run(work)


def test_a_legs_fill_that_the_walk_sees_before_the_leg_is_known_is_told_when_it_is() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        server.fault = lambda method, path: "delay_after" if method == "POST" else ""
        sending = asyncio.ensure_future(venue.submit(Approved(ENTRY, (STOP, TAKE))))
        while len(server.orders) < 3:
            await asyncio.sleep(0.005)
        entry, take, _ = server.orders.values()
        server.fill("TEST4", "10", "100", tell=False)
        server.fill(take["client_order_id"], "10", "110", tell=False)
        legs, entry["legs"] = entry["legs"], None  # what shows the entry does not show its legs
        assert fills(await venue.walk()) == [(4, 10, 100.0)]  # of the leg nobody knows yet whose it is
        entry["legs"] = legs
        await sending
        assert fills(events) == [(6, 10, 110.0)] and await venue.walk() == []

    run(work)


def test_an_activity_of_an_order_that_alpaca_no_longer_shows_is_left() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=False)
        server.activities.insert(0, server.activities[0] | {"id": "20261120::old", "order_id": "gone"})
        assert fills(await venue.walk()) == [(4, 4, 99.5)]

    run(work)


@pytest.mark.parametrize("lost", ["qty", "price"])
def test_a_fill_without_its_size_or_price_is_asked_for(lost: str) -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=False)
        told = {"price": "99.5", "qty": "4"}
        del told[lost]
        server.tell("partial_fill", server.orders[server.names["TEST4"]], **told)
        await settled(venue)
        assert fills(events) == [(4, 4, 99.5)]

    run(work)


def test_a_hundred_wishes_to_read_the_activities_are_two_readings() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=False)
        for _ in range(100):
            server.tell("partial_fill", server.orders[server.names["TEST4"]])
        await settled(venue)
        assert fills(events) == [(4, 4, 99.5)]
        assert 1 <= sum(1 for _, path, _ in server.seen if path.endswith("/FILL")) <= 2

    run(work)


def test_less_than_a_lot_is_dust_and_no_fill() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "0.25", "99.5")
        assert events == [] and venue.odd.kept[-1][0] == "dust"

    run(work)


def test_strangers_are_kept_but_not_without_end() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        from argosy.venues.alpaca.codec import update

        for k in range(10_050):
            venue.told(update({"event": "fill", "price": "1", "qty": "1", "order": {"id": f"s{k}", "filled_qty": "1", "symbol": "AAPL"}}))
        assert len(venue.foreign) == 10_000 and len(venue._strange) == 10_000
        assert "s49" not in venue.foreign and "s10049" in venue.foreign and events == []

    run(work)


# -- the book of ids ----------------------------------------------------------------------------------------------------------


def test_an_order_is_known_by_the_one_whose_place_it_took() -> None:
    ledger = Ledger("TEST")
    row = ledger.place(ENTRY)
    assert ledger.find(WireOrder(id="a", client_order_id="TEST4")) is row
    assert ledger.find(WireOrder(id="b", client_order_id="by-hand", replaces="a")) is row
    assert (row.ids, row.id) == (["a", "b"], "b")
    assert ledger.find(WireOrder(id="c", client_order_id="other", replaces="zzz")) is None
    ledger.forget(row, "never")
    ledger.forget(row, "b")
    assert row.ids == ["a"] and ledger.ours(WireOrder(client_order_id="TEST9")) and not ledger.ours(WireOrder(client_order_id="OTHR9"))


def test_of_a_group_that_is_sent_apart_only_the_first_goes_out() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        one, two = (Order(n, 0, SELL, 5, Type.LIMIT, limit=110.0 + n, group=77) for n in (4, 8))
        assert [(await venue.submit(Approved(each))).code for each in (one, two, two, one)] == ["", "GROUP_UNSUPPORTED", "GROUP_UNSUPPORTED", ""]
        refused = Order(12, 1, SELL, 5, Type.LIMIT, limit=110.0, group=78)
        assert (await venue.submit(Approved(refused))).code == "40310000"
        assert (await venue.submit(Approved(Order(16, 0, SELL, 5, Type.LIMIT, limit=110.0, group=78)))).outcome == "accepted"

    run(work)


# -- words and facts ------------------------------------------------------------------------------------------------------------


def test_rare_words() -> None:
    row = Instrument(symbol="AAPL")
    leg = Order(5, 0, SELL, 10, Type.STOP_LIMIT, stop=95.0, limit=94.5, parent=4)
    body = json.loads(words.request(row, ENTRY, (leg,), "TEST", extended=True))
    assert body["extended_hours"] is True and body["stop_loss"] == {"stop_price": "95", "limit_price": "94.5"}
    assert "position_intent" not in body
    for side, intent in ((BUY, "buy_to_close"), (SELL, "sell_to_close")):
        assert json.loads(words.request(row, Order(4, 0, side, 1, reduce_only=True), (), "TEST"))["position_intent"] == intent
    assert json.loads(words.change(row, Amend(4, stop=90.0), "TEST", 2, Decimal(0))) == {"client_order_id": "TEST4.2", "stop_price": "90"}


def test_rare_refusals() -> None:
    share = Instrument(symbol="AAPL", lot=Decimal("0.001"))
    assert facts.refusal(share, Order(4, 0, BUY, 1500, tif=Tif.GTC)) == "TIF_UNSUPPORTED"
    assert facts.refusal(share, Order(4, 0, BUY, 2000, tif=Tif.GTC)) == ""
    same_side = Order(5, 0, BUY, 10, Type.STOP, stop=95.0)
    assert facts.refusal(Instrument(symbol="AAPL"), Order(4, 0, BUY, 10, tif=Tif.GTC), (same_side,)) == "LEGS_UNSUPPORTED"


def test_rare_times(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 20, 15, 0, 0, 5, tzinfo=UTC)
    assert ns_of(moment) == ns_of(moment.replace(tzinfo=None)) == ns_of("2026-11-20T15:00:00.000005Z")
    decode = ms.Messages()
    (row,) = decode.decode(msgspec.msgpack.encode([{"T": "q", "S": "AAPL", "bp": 1.0, "ap": 2.0, "bs": "3", "t": moment}]))
    assert (row.bs, ms.moment(row.t)) == (3.0, ns_of(moment))
    monkeypatch.setattr(ms, "_KEPT", 3)
    ms._MINUTES.clear()
    for minute in range(10):
        text = f"2026-11-20T15:{minute:02}:01Z"
        assert ms.moment(text) == ms.moment(text) == ns_of(text)
        assert len(ms._MINUTES) <= 3
    ms._MINUTES.clear()


# -- requests -----------------------------------------------------------------------------------------------------------------


def asked(answer: Any, ask: Any) -> Any:
    return asyncio.run(ask(Client(Script(lambda path, query: answer), chance=lambda: 0.0)))


@pytest.mark.parametrize("ask", ["orders", "activities", "positions", "assets", "calendar"])
def test_a_list_that_is_none_is_no_answer(ask: str) -> None:
    def of(client: Client) -> Any:
        return client.calendar("a", "b", deadline_s=0.0) if ask == "calendar" else getattr(client, ask)(deadline_s=0.0)

    assert asked({"not": "a list"}, of) == Ambiguous("BROKEN_REPLY")
    assert asked(Answered(500, b"", {}), of) == Ambiguous("HTTP_500")
    assert asked(Failed("CONNECT", False), of) == Ambiguous("CONNECT")
    assert isinstance(asked(Answered(403, b"{}", {}), of), Refused)
    assert asked([], of) == Accepted([])


def test_activities_that_never_end_are_left_after_so_many_pages() -> None:
    count = [0]

    def answer(path: str, query: dict[str, str]) -> Any:
        count[0] += 1
        return [{"id": f"{count[0]:06d}-{k}"} for k in range(100)]

    got = asyncio.run(Client(Script(answer)).activities(pages=3))
    assert isinstance(got, Accepted) and len(got.value) == 300 and count == [3]


def test_a_position_is_left_at_the_market() -> None:
    from argosy.exchange.open import Wanted, opened

    with opened(Wanted(symbols=["AAPL"], control=True)) as server:

        async def walk() -> None:
            client = connect(place("sim", base=server.url), Secret("PKSIM"), Secret("secret"))
            venue = AlpacaVenue(client, Instruments([Instrument(symbol="AAPL")]), "LEAV")
            assert (await venue.submit(Approved(Order(4, 0, BUY, 10)))).outcome == "accepted"
            left = await client.close_position("AAPL", query="qty=4")
            assert isinstance(left, Accepted) and (left.value.side, left.value.qty) == ("sell", 4)
            rest = await client.positions()
            assert isinstance(rest, Accepted) and [row.qty for row in rest.value] == [6]
            assert isinstance(await client.close_position("MSFT"), Refused)
            days = await client.calendar("2026-11-23", "2026-11-28")
            assert isinstance(days, Accepted) and [(day.date, day.close) for day in days.value][-1] == ("2026-11-27", "13:00")
            assets = await client.assets()
            assert isinstance(assets, Accepted) and [row.symbol for row in assets.value] == ["AAPL"]
            await venue.close()

        asyncio.run(walk())


# -- streams ------------------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_denied_on_the_account_stream_and_stays_away() -> None:
    async def walk() -> None:
        downs: list[str] = []
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) > 1:
                await asyncio.Event().wait()

        async with Alpaca() as server:
            wrong = Secret("not-the-secret-at-all")
            account = AccountStream(Secret(KEY), wrong, lambda update: None, lambda up, why: downs.append(why))
            stream = account.stream(place("sim", base=server.url), sleep=sleep)
            stream.start()
            async with asyncio.timeout(5):
                while len(waits) < 2:
                    await asyncio.sleep(0.002)
            await stream.close()
            assert downs == ["denied 401: authorization unauthorized"] and waits[1] >= 10.0
            assert wrong.reveal() not in repr(account.odd.kept)

    asyncio.run(walk())


def test_a_flood_of_answers_while_nobody_greets_keeps_the_last() -> None:
    account = AccountStream(Secret("k"), Secret("s"), lambda update: None, lambda up, why: None)
    for k in range(40):
        account.heard(json.dumps({"stream": "listening", "data": {"streams": [f"s{k}"]}}).encode())
    assert account._steps.qsize() == 16
    account.down("gone")
    assert account._steps.empty()
    feed = Feed(Secret("k"), Secret("s"), TABLE, {}, lambda event: None, pack=False)
    for k in range(100):
        feed.heard(json.dumps([{"T": "success", "msg": f"m{k}"}]).encode())
    assert feed._steps.qsize() == 64
    feed.down("gone")
    assert feed._steps.empty()


def test_a_feed_without_wants_asks_for_none_and_can_take_some_back() -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            where = place("sim", base=server.url)
            feed = Feed(Secret(KEY), Secret(SECRET), TABLE, {}, lambda event: None)
            stream = feed.stream(where, where.feed("iex"))
            stream.start()
            async with asyncio.timeout(5):
                await stream.ready.wait()
                assert server.subscriptions == []
                assert feed.want(stream, "quotes", ["AAPL", "MSFT"]) and feed.want(stream, "quotes", ["AAPL"])
                assert feed.unwant(stream, "quotes", ["MSFT"]) and feed.wants == {"quotes": ["AAPL"]}
                assert feed.unwant(stream, "quotes", ["AAPL"]) and feed.wants == {}
                while len(server.subscriptions) < 3:
                    await asyncio.sleep(0.002)
            assert [said["action"] for said in server.subscriptions] == ["subscribe", "unsubscribe", "unsubscribe"]
            await stream.close()
            assert not feed.want(stream, "trades", ["AAPL"]) and feed.wants == {"trades": ["AAPL"]}  # for the next connection

    asyncio.run(walk())


def test_a_step_that_was_not_asked_for_does_not_stop_the_talk() -> None:
    async def walk() -> None:
        feed = Feed(Secret("k"), Secret("s"), TABLE, {"quotes": ["AAPL"]}, lambda event: None, pack=False)
        said: list[bytes] = []

        class Said:
            def send(self, message: bytes, binary: bool = False) -> None:
                said.append(message)

        greeting = asyncio.ensure_future(feed.greet(Said()))
        for row in (
            {"T": "success", "msg": "welcome to 2031"}, {"T": "success", "msg": "connected"}, {"T": "subscription"},
            {"T": "success", "msg": "authenticated"}, {"T": "success", "msg": "again"}, {"T": "subscription", "quotes": ["AAPL"]},
        ):  # fmt: skip
            feed.heard(json.dumps([row]).encode())
        await asyncio.wait_for(greeting, 2)
        assert len(said) == 2 and feed.subscribed == {"quotes": ["AAPL"]}

    asyncio.run(walk())


@pytest.mark.parametrize("skew_s", [-2.0, 2.0])
def test_two_seconds_of_skew_change_no_order_and_no_moment_lies_in_the_future(skew_s: float) -> None:
    """Our clock against the venue's: a fill's moment is the venue's, but never later than when it was heard."""
    import time

    async def walk() -> None:
        async with Alpaca() as server:
            events: list[Any] = []
            venue = venue_of(server, events)
            venue._clock = lambda: time.time_ns() + int(skew_s * 1e9)
            from argosy.venues.alpaca.codec import update

            server.push = lambda frame: venue.told(update(json.loads(frame)["data"]))
            assert (await venue.submit(Approved(ENTRY))).outcome == "accepted"
            server.fill("TEST4", "4", "99.5")
            server.tell("canceled", server.orders[server.names["TEST4"]])
            assert fills(events) == [(4, 4, 99.5)] and works(events) == [(4, Work.CANCELED)]
            assert all(event.ts <= event.known for event in events)
            late = events[0].known - events[0].ts
            assert late == 0 if skew_s < 0 else 1.5e9 < late < 3e9
            await venue.close()

    asyncio.run(walk())


# -- cassettes ----------------------------------------------------------------------------------------------------------------


def test_a_day_is_recorded_without_its_keys_and_played_back(tmp_path: Any) -> None:
    """A whole session with both streams on a cassette: no key is in the file in any form, and the played answers are the recorded ones."""
    import base64

    from argosy.net.cassette import Player, Recorder, Recording, frames, lines
    from argosy.net.guard import Hosts
    from argosy.net.http import Rest
    from argosy.net.secret import Veil
    from argosy.venues.alpaca.client import headers

    file = tmp_path / "day.cassette"
    key, secret = Secret(KEY), Secret(SECRET)

    async def session(calls: Any) -> list[Any]:
        client = Client(calls)
        said = [await client.submit(words.request(TABLE[0], order(4).order, (), "TEST"), "TEST4"), await client.account()]
        said += [await client.orders(), await client.by_client_id("TEST4"), await client.by_client_id("NONE1")]
        assert isinstance(said[0], Accepted)
        said.append(await client.cancel(said[0].value.id))
        await client.close()
        return said

    async def record() -> list[Any]:
        async with Alpaca() as server:
            server.extra = {"note": f"your key is {KEY}", "secret_key": "of somebody else"}  # a host that tells what it should not
            recorder = Recorder(file, Veil(key, secret))
            where = place("sim", base=server.url)
            account = AccountStream(key, secret, lambda update: None, lambda up, why: None)
            feed = Feed(key, secret, TABLE, {"quotes": ["AAPL"]}, lambda event: None, pack=False)
            kept = [account.stream(where, recorder=recorder), feed.stream(where, where.feed("iex"), recorder=recorder)]
            for stream in kept:
                stream.start()
            async with asyncio.timeout(5):
                for stream in kept:
                    await stream.ready.wait()
            said = await session(Recording(Rest(server.url, Hosts(loopback=True), headers=headers(key, secret)), recorder))
            for stream in kept:
                await stream.close()
            recorder.close()
            return said

    first = asyncio.run(record())
    every = b"".join(line.path.encode() + line.query.encode() + line.body + line.reply + repr(line.headers).encode() for line in lines(file))
    for hidden in (KEY, SECRET, "of somebody else"):
        for form in (hidden.encode(), base64.b64encode(hidden.encode())[:-4]):
            assert form not in every and form not in file.read_bytes()
    assert len([line for line in lines(file) if line.kind == "rest"]) == 6 and len(list(frames(file))) >= 5
    again = asyncio.run(session(Player(file)))
    assert again[0] == first[0] and again[2:] == first[2:]
    assert again[1].value.cash == first[1].value.cash and again[1].value.odd == {"note": "your key is ***", "secret_key": "***"}


def test_of_a_pair_that_cannot_be_one_order_the_stop_goes_out() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        take = Approved(Order(4, 0, SELL, 5, Type.LIMIT, limit=110.0, group=77, tag="take"))
        stop = Approved(Order(8, 0, SELL, 10, Type.STOP, stop=90.0, group=77, tag="stop"))
        first, second = await venue.submit_pair(take, stop)
        assert (first.order, first.code, second.order, second.outcome) == (4, "GROUP_UNSUPPORTED", 8, "accepted")
        assert [row["type"] for row in server.orders.values()] == ["stop"]
        take = Approved(Order(16, 0, SELL, 5, Type.LIMIT, limit=110.0, group=78, tag="take"))
        stop = Approved(Order(20, 0, SELL, 5, Type.STOP, stop=90.0, group=78, tag="stop"))
        said = await venue.submit_pair(take, stop)
        assert [(reply.order, reply.outcome) for reply in said] == [(16, "accepted"), (20, "accepted")]
        assert server.orders[server.names["TESTG"]]["order_class"] == "oco"

    run(work)


def test_what_cannot_be_said_is_not_said_again() -> None:
    async def ask() -> None:
        client = connect(place("sim", base="http://127.0.0.1:1"), Secret(KEY), Secret(SECRET))
        begun = asyncio.get_running_loop().time()
        answer = await client.cancel("no such id", deadline_s=2)
        assert isinstance(answer, Refused) and (answer.code, answer.text) == ("NOT_SENT", "REQUEST_INVALID")
        assert asyncio.get_running_loop().time() - begun < 1.0
        await client.close()

    asyncio.run(ask())
