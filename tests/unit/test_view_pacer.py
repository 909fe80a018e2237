"""The pacer: the newest state only, when the page has taken the last, and never a backlog."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from gradprod.view import Pacer, pacer
from gradprod.view.pacer import Frames


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(pacer, "PATIENCE", 0.5)
    return 0.5


async def turns(n: int = 5) -> None:
    """Let the loop turn a few times, without time passing."""
    for _ in range(n):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Any]) -> None:
    asyncio.run(scenario())


def test_without_a_loop_it_computes_at_once() -> None:
    calls: list[int] = []
    paced = Pacer(lambda: calls.append(1), frames=Frames())
    paced.request()
    paced.request()
    assert calls == [1, 1]


def test_many_requests_are_one_computation_of_the_newest_state() -> None:
    async def scenario() -> None:
        state, seen = 0, []
        paced = Pacer(lambda: seen.append(state), frames=Frames())
        for state in range(1, 6):  # noqa: B007
            paced.request()
        assert seen == []
        await turns()
        assert seen == [5]

    run(scenario)


def test_the_last_request_is_computed_at_once_if_nothing_is_under_way() -> None:
    async def scenario() -> None:
        frames, state, seen = Frames(), 1, []
        paced = Pacer(lambda: (seen.append(state), frames.sent("a", state)), frames=frames)
        paced.request(last=True)
        assert seen == [1]
        state = 2
        paced.request(last=True)
        await turns()
        assert seen == [1]
        frames.taken({"a": 1})
        state = 3
        paced.request(last=True)  # one has been asked for already
        assert seen == [1]
        await turns()
        assert seen == [1, 3]

    run(scenario)


def test_waits_until_every_view_is_taken() -> None:
    async def scenario() -> None:
        frames, state, seen = Frames(), 0, []

        def compute() -> None:
            seen.append(state)
            frames.sent("a", state)
            frames.sent("b", state)

        paced = Pacer(compute, frames=frames)
        for state in (1, 2, 3):  # noqa: B007
            paced.request()
            await turns()
        assert seen == [1]
        frames.taken({"a": 1})
        await turns()
        assert seen == [1]
        frames.taken({"b": 1})
        await turns()
        assert seen == [1, 3]
        frames.taken({"a": 1, "b": 3})  # 1 is old news
        await turns()
        paced.request()
        await turns()
        assert seen == [1, 3]
        frames.taken({"a": 3})
        await turns()
        assert seen == [1, 3, 3]

    run(scenario)


def test_after_the_last_request_nothing_more_happens() -> None:
    async def scenario() -> None:
        frames, seen = Frames(), []
        paced = Pacer(lambda: (seen.append(1), frames.sent("a", len(seen))), frames=frames)
        paced.request()
        await turns()
        frames.taken({"a": 1})
        frames.taken({"a": 1})
        await turns()
        assert seen == [1]

    run(scenario)


@pytest.mark.usefixtures("patience")
def test_a_page_that_does_not_answer_is_not_waited_for_again(patience: float) -> None:
    async def scenario() -> None:
        frames, seen = Frames(), []
        paced = Pacer(lambda: (seen.append(1), frames.sent("gone", len(seen))), frames=frames)
        paced.request()
        await turns()
        paced.request()
        start = time.monotonic()
        while len(seen) < 2:
            await asyncio.sleep(0.001)
        assert 0.8 * patience < time.monotonic() - start < 10 * patience
        paced.request()
        await turns()
        assert len(seen) == 3  # at once
        frames.taken({"gone": 3})  # it is back
        paced.request()
        await turns()
        paced.request()
        await turns()
        assert len(seen) == 4

    run(scenario)


def test_a_closed_view_is_not_waited_for() -> None:
    async def scenario() -> None:
        frames, seen = Frames(), []
        paced = Pacer(lambda: (seen.append(1), frames.sent("a", len(seen))), frames=frames)
        paced.request()
        await turns()
        paced.request()
        frames.forget("a")
        await turns()
        assert len(seen) == 2

    run(scenario)


def test_a_failure_stops_neither_itself_nor_others() -> None:
    async def scenario() -> None:
        frames, seen, errors = Frames(), [], []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: errors.append(context["exception"])
        )

        def fail() -> None:
            raise ValueError("no picture")

        bad, good = Pacer(fail, frames=frames), Pacer(lambda: seen.append(1), frames=frames)
        bad.request()
        good.request()
        await turns()
        assert seen == [1]
        bad.request()
        await turns()
        assert [str(error) for error in errors] == ["no picture"] * 2

    run(scenario)
