"""The bridge: what an engine says comes in order, in batches, exactly once; what is lost is said."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from engine import events, usage
from engine.api.messages import Estimates, Refusal, RunSummary
from engine.events import RunFinished
from engine.usage import Usage
from tests.tui.bridge_listener import Listener, refused
from tests.tui.fakes import FakeEngine
from tests.tui.synthetic import RUN, synthetic_run, synthetic_usage
from tui.bridge import batches
from tui.inbox import Came, EngineLost, Noticed, StreamEnded

EVENTS = synthetic_run(40, progress=1.0)


def test_every_event_comes_once_and_in_order() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS[:100])
    listener = Listener(engine)
    listener.bridge.follow(RUN)
    listener.until(lambda: len(listener.items()) == 100, limit=7)
    for event in EVENTS[100:]:
        engine.say(RUN, event)
    listener.until(lambda: listener.has(StreamEnded))
    assert listener.items() == EVENTS
    assert listener.arrivals[-1] == StreamEnded(run=RUN, is_whole=True)


def test_after_the_engine_was_lost_the_events_go_on_where_they_were_cut() -> None:
    first, second = FakeEngine(), FakeEngine()
    samples = synthetic_usage(EVENTS)
    first.add(RUN, *EVENTS[:70], *samples[:3])
    second.add(RUN, *EVENTS, *samples)
    listener = Listener(first, lambda: second)
    listener.bridge.follow(RUN)
    listener.until(lambda: len(listener.items()) == 73)
    first.die()
    listener.until(lambda: listener.has(EngineLost))
    assert not listener.has(StreamEnded)
    last = [came for came in listener.arrivals if isinstance(came, Came)][-1]
    listener.bridge.reconnect(lambda: listener.bridge.follow(RUN, last.offset, last.usage_offset), refused)
    listener.until(lambda: listener.has(StreamEnded))
    taken = listener.items()
    assert [item for item in taken if not isinstance(item, Usage)] == EVENTS
    assert [item for item in taken if isinstance(item, Usage)] == samples


def test_a_run_whose_process_died_ends_without_its_last_event() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS[:50])
    listener = Listener(engine)
    listener.bridge.follow(RUN)
    listener.until(lambda: len(listener.items()) == 50)
    engine.kill(RUN)
    listener.until(lambda: listener.has(StreamEnded))
    assert listener.arrivals[-1] == StreamEnded(run=RUN, is_whole=False)


def test_nothing_more_comes_of_a_run_once_another_is_followed() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS[:50])
    engine.add("other", *EVENTS)
    listener = Listener(engine)
    listener.bridge.follow(RUN)
    listener.until(lambda: len(listener.items()) == 50)
    listener.bridge.follow("other")
    engine.say(RUN, *EVENTS[50:])
    listener.until(lambda: listener.has(StreamEnded))
    of_first = [came for came in listener.arrivals if isinstance(came, Came) and came.run == RUN]
    assert sum(len(came.items) for came in of_first) == 50


def test_a_refused_command_says_why() -> None:
    engine = FakeEngine(Refusal(kind="conflict", message="the run is over"))
    engine.add(RUN)
    listener = Listener(engine)
    said: list[str] = []
    listener.bridge.cancel(RUN, ("build",), lambda refusal: said.append(refusal.message))
    listener.until(lambda: bool(said))
    assert said == ["the run is over"]
    assert engine.asked == [("cancel", RUN, ("build",))]


def test_a_command_to_an_engine_that_is_gone_says_so() -> None:
    engine = FakeEngine()
    listener = Listener(engine)
    engine.die()
    said: list[str] = []
    listener.bridge.cancel(RUN, None, lambda refusal: said.append(refusal.message))
    listener.until(lambda: bool(said) and listener.has(EngineLost))
    assert said == ["the engine does not answer"]


def test_of_questions_about_tasks_in_quick_succession_the_last_is_answered() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS)
    listener = Listener(engine)
    told: list[str] = []
    for task in ("deps", "toolchain", "code"):
        listener.bridge.details(RUN, task, lambda details, _: told.append(details.task), refused)
    listener.until(lambda: "code" in told)
    assert told[-1] == "code"


def test_an_answer_is_told_where_the_arrivals_are_taken() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS)
    listener = Listener(engine)
    threads: list[str] = []
    summaries: list[RunSummary] = []

    def told(summary: RunSummary, _: Estimates) -> None:
        summaries.append(summary)
        threads.append(threading.current_thread().name)

    listener.bridge.summary(RUN, told, refused)
    listener.until(lambda: bool(summaries))
    assert threads == [threading.current_thread().name]


def test_a_flood_wakes_the_interface_once_until_it_has_looked() -> None:
    engine = FakeEngine()
    engine.add(RUN, *EVENTS)
    listener = Listener(engine)
    listener.until(lambda: listener.has(Noticed))
    before = listener.wakes
    listener.bridge.follow(RUN)
    listener.until(lambda: listener.has(StreamEnded))
    assert listener.wakes - before <= 3


@given(st.data())
def test_offsets_count_the_bytes_of_both_logs_however_a_stream_is_cut(data: st.DataObject) -> None:
    samples = synthetic_usage(EVENTS)
    lines = [events.encode(event) for event in EVENTS] + [usage.encode(sample) for sample in samples]
    order = data.draw(st.permutations(range(len(lines))))
    cut = data.draw(st.integers(0, len(lines)))
    offset = usage_offset = 0
    for chunk in (b"".join(lines[i] for i in order[:cut]), b"".join(lines[i] for i in order[cut:])):
        for came in batches(RUN, chunk, offset, usage_offset):
            offset, usage_offset = came.offset, came.usage_offset
    assert offset == sum(len(line) for line in lines[: len(EVENTS)])
    assert usage_offset == sum(len(line) for line in lines[len(EVENTS) :])


def test_a_line_of_a_later_version_is_passed_over() -> None:
    line = b'{"type":"task_dreamt","at":1.0,"run":"r","task":"t"}\n'
    last = events.encode(EVENTS[-1])
    (came,) = batches(RUN, line + last, 0, 0)
    assert isinstance(came.items[0], RunFinished)
    assert came.offset == len(line) + len(last)
