"""What a job says is checked field by field and bounded; no bytes whatever break the parent."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snipfix.evidence import Failure, Outcome, StandIn
from snipfix.sandbox import protocol
from snipfix.sandbox.protocol import LINE_LIMIT, TOTAL_LIMIT, Merge

FIELDS = st.sampled_from(Outcome.__struct_fields__)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.fixed_dictionaries(
    {}, optional={"set": st.dictionaries(FIELDS, JSON, max_size=4), "add": st.dictionaries(FIELDS, st.lists(JSON, max_size=4), max_size=4)}
)

calmly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def merged(*messages: Any) -> Merge:
    merge = Merge()
    for message in messages:
        merge.feed(json.dumps(message).encode() + b"\n")
    merge.close()
    return merge


def test_set_replaces_and_add_appends() -> None:
    merge = merged(
        {"set": {"kind": "raised", "quick": False}},
        {"add": {"stand_ins": [{"what": "MNIST", "how": "small"}]}},
        {"set": {"quick": True}, "add": {"stand_ins": [{"what": "GloVe", "how": "small"}]}},
        {"set": {"failure": {"type": "ValueError", "message": "no"}}},
    )
    assert merge.kind == "raised"
    assert merge.dropped == 0
    assert merge.fields == {
        "quick": True,
        "stand_ins": (StandIn(what="MNIST", how="small"), StandIn(what="GloVe", how="small")),
        "failure": Failure(type="ValueError", message="no"),
    }


@pytest.mark.parametrize(
    "message",
    [
        {"set": {"kind": "timeout"}},  # only the parent judges that
        {"set": {"kind": 7}},
        {"set": {"stdout": "forged"}},
        {"set": {"usage": {"wall": -1}}},
        {"set": {"quick": "yes"}},
        {"set": {"no_such_field": 1}},
        {"add": {"stand_ins": [{"what": 3}]}},
        {"add": {"quick": [True]}},
        {"add": {"lines_run": ["1"]}},
        {"set": {"stand_ins": 5}},
        {"delete": {}},
        [],
        None,
        "text",
    ],
)
def test_what_does_not_fit_is_dropped_and_counted(message: Any) -> None:
    merge = merged(message, {"set": {"kind": "ok"}})
    assert merge.dropped == 1
    assert merge.kind == "ok"
    assert "stdout" not in merge.fields


def test_one_bad_item_spares_its_neighbours() -> None:
    merge = merged({"add": {"lines_run": [1, "two", 3]}})
    assert (merge.fields["lines_run"], merge.dropped) == ((1, 3), 1)


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\n", b"[" * 200_000 + b"\n", b'{"set": {"detail": "\\ud800"}}\n', b'{"set": {"facts": NaN}}\n', b"\x00\n", b"{"],
    ids=["bytes", "nesting", "surrogate", "nan", "nul", "half"],
)
def test_bytes_that_are_no_message_are_dropped(data: bytes) -> None:
    merge = Merge()
    merge.feed(data)
    merge.close()
    assert merge.dropped == 1
    assert merge.fields == {}


def test_an_endless_line_is_not_kept_and_the_next_is_heard() -> None:
    merge = Merge()
    for _ in range(LINE_LIMIT // 65536 + 2):
        merge.feed(b"x" * 65536)
    assert len(merge._tail) <= 2 * 65536
    merge.feed(b'\n{"set": {"kind": "ok"}}\n')
    assert merge.kind == "ok"


def test_what_comes_after_the_total_is_not_kept() -> None:
    merge = Merge()
    merge.feed(b'{"set": {"kind": "raised"}}\n')
    line = b'{"set": {"detail": "' + b"x" * 100_000 + b'"}}\n'
    for _ in range(TOTAL_LIMIT // len(line) + 2):
        merge.feed(line)
    merge.feed(b'{"set": {"kind": "ok"}}\n')
    assert merge.kind == "raised"


@calmly
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_in_any_pieces_leave_a_valid_outcome(pieces: list[bytes]) -> None:
    merge = Merge()
    for piece in pieces:
        merge.feed(piece)
    merge.close()
    Outcome(kind=merge.kind or "exited", **merge.fields)


@calmly
@given(st.lists(MESSAGES, max_size=6), st.integers(1, 50), st.randoms(use_true_random=False))
def test_hostile_messages_cut_and_shuffled_never_break_the_merge(messages: list[Any], size: int, random: Any) -> None:
    lines = [json.dumps(message).encode() + b"\n" for message in messages]
    random.shuffle(lines)
    stream = b"".join(lines)
    whole, cut = Merge(), Merge()
    whole.feed(stream)
    for start in range(0, len(stream), size):
        cut.feed(stream[start : start + size])
    assert (whole.kind, whole.fields, whole.dropped) == (cut.kind, cut.fields, cut.dropped)
    outcome = Outcome(kind="ok", **whole.fields)
    assert (outcome.stdout, outcome.usage, outcome.signal) == ("", Outcome(kind="ok").usage, None)


@calmly
@given(st.binary(max_size=100))
def test_a_broken_control_message_is_an_end_of_file(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            [protocol.receive(ours) for _ in range(100)]


def test_a_control_message_arrives_as_it_was_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        protocol.send(theirs, {"op": "run", "text": "ünï"})
        assert protocol.receive(ours) == {"op": "run", "text": "ünï"}


def test_descriptors_that_come_with_a_message_are_given_and_not_inherited():
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    with ours, theirs:
        socket.send_fds(theirs, [protocol.pack({"started": True})], [read])
        descriptors: list[int] = []
        assert protocol.receive(ours, descriptors) == {"started": True}
        (given,) = descriptors
        assert os.fstat(given).st_ino == os.fstat(read).st_ino
        assert not os.get_inheritable(given)
    for descriptor in (read, write, given):
        os.close(descriptor)


def test_an_oversized_control_message_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack(">I", 1 << 31))
        with pytest.raises(EOFError):
            protocol.receive(ours)
