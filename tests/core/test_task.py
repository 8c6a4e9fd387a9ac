# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a task: where it may go, how copies merge, and what of it travels in a .blend."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.files.facts import ModelFacts
from core.service.contract import MAX_SEED, GenerationRequest
from core.tasks.task import (
    ALLOWED,
    LEASED,
    UNFINISHED,
    IllegalTransition,
    Task,
    TaskState,
    from_text,
    merge,
    new_task,
    newer,
    to_scene_text,
    to_text,
)
from tests import arbitrary
from tests.arbitrary import HUGE

S = TaskState
SIGNED = "https://cdn.example.com/a.glb?signature=secret"

# Written out by hand from the architecture, section 4, and not taken from the code.
WAYS: dict[TaskState, set[TaskState]] = {
    S.QUEUED: {S.SUBMITTING, S.FAILED},
    S.SUBMITTING: {S.QUEUED, S.PENDING, S.UNCERTAIN, S.FAILED},
    S.UNCERTAIN: {S.PENDING, S.QUEUED},
    S.PENDING: {S.PENDING, S.PROCESSING, S.DOWNLOADING, S.FAILED, S.STOPPED, S.LOST},
    S.PROCESSING: {S.PENDING, S.PROCESSING, S.DOWNLOADING, S.FAILED, S.STOPPED, S.LOST},
    S.DOWNLOADING: {S.CONVERTING, S.READY, S.STOPPED, S.LOST},
    S.CONVERTING: {S.READY, S.DOWNLOADING},
    S.READY: {S.DOWNLOADING, S.CONVERTING},
    S.IMPORTED: set(),
    S.FAILED: set(),
    S.STOPPED: {S.PENDING, S.DOWNLOADING},
    S.LOST: {S.PENDING},
}

BEFORE_SERVICE = LEASED - UNFINISHED


def task(state: TaskState = S.QUEUED, revision: int = 0, **changes: Any) -> Task:
    return replace(
        new_task(GenerationRequest(prompt="A chair"), "scene-1", now=1_790_000_000.0),
        local_id="0f6a1e56-9d5c-4a39-8a7e-6f2d5b6c7d8e",
        state=state,
        revision=revision,
        **changes,
    )


# ---- states


@pytest.mark.parametrize("new", TaskState)
@pytest.mark.parametrize("old", TaskState)
def test_a_task_goes_only_where_the_table_allows(old: TaskState, new: TaskState) -> None:
    if new is old or new in WAYS[old]:
        assert task(old).evolve(state=new).state is new
    else:
        with pytest.raises(IllegalTransition, match=f"{old.value} -> {new.value}"):
            task(old).evolve(state=new)


def test_the_table_speaks_of_every_state() -> None:
    assert set(ALLOWED) == set(TaskState)


def test_no_way_leads_back_to_before_the_sending_once_the_service_has_it() -> None:
    reachable = set(WAYS[S.PENDING])
    while reachable != (grown := reachable.union(*(ALLOWED[state] for state in reachable))):
        reachable = grown
    assert not reachable & BEFORE_SERVICE
    assert not BEFORE_SERVICE & UNFINISHED


def test_every_change_has_the_next_revision_and_leaves_the_old_record_alone() -> None:
    old = task(S.PENDING, 7)
    new = old.evolve(progress=5)
    assert (new.revision, new.progress, new.state) == (8, 5, S.PENDING)
    assert (old.revision, old.progress) == (7, None)


def test_a_new_task_is_queued_under_an_id_of_its_own() -> None:
    one, other = (new_task(GenerationRequest(prompt="p"), "s") for _ in range(2))
    assert one.local_id != other.local_id
    assert uuid.UUID(one.local_id).version == 4
    assert (one.state, one.revision, one.task_id, one.removed) == (S.QUEUED, 0, "", False)


def test_a_task_is_called_after_its_prompt_else_its_picture() -> None:
    assert task().title == "A chair"
    assert replace(task(), request=GenerationRequest(prompt="", image_name="a.png")).title == "a.png"
    assert replace(task(), request=GenerationRequest(prompt="")).title == "Untitled"


# ---- merging

states = st.sampled_from(TaskState)
revisions = st.integers(0, 4)
copies = st.builds(task, states, revisions)
full_copies = st.builds(
    lambda copy, urls, path, removed: replace(copy, asset_urls=urls, result_path=path, removed=removed),
    copies,
    st.sampled_from([{}, {"glb": SIGNED}]),
    st.sampled_from(["", "/models/a.glb"]),
    st.booleans(),
)


def rank(copy: Task) -> tuple[int, int]:
    return copy.revision, list(TaskState).index(copy.state)


@given(copies, copies, copies)
def test_the_winner_of_a_merge_does_not_depend_on_the_order(one: Task, other: Task, third: Task) -> None:
    assert rank(newer(one, other)) == rank(newer(other, one)) == max(rank(one), rank(other))
    assert rank(newer(newer(one, other), third)) == rank(newer(one, newer(other, third)))
    assert newer(one, one) == one


@given(full_copies, full_copies)
def test_a_merge_keeps_the_newer_record_and_what_only_one_side_knows(one: Task, other: Task) -> None:
    merged = merge(one, other)
    assert rank(merged) == max(rank(one), rank(other))
    assert merged.asset_urls == (one.asset_urls or other.asset_urls)
    assert merged.result_path == (one.result_path or other.result_path)
    assert merged.removed == (one.removed or other.removed)
    assert merge(merged, other) == merged
    assert merge(one, one) is one


def test_a_scenes_copy_cannot_take_away_what_we_know() -> None:
    ours = task(S.READY, 5, asset_urls={"glb": SIGNED}, result_path="/models/a.glb", removed=True)
    theirs = from_text(to_scene_text(replace(ours, revision=6)), scene_id="scene-2")
    assert theirs is not None
    merged = merge(ours, theirs)
    assert merged == replace(ours, revision=6)


def test_facts_that_only_one_side_knows_stay() -> None:
    facts = ModelFacts(triangles=12)
    assert merge(task(S.READY, 6), task(S.READY, 5, facts=facts)).facts == facts
    assert merge(task(S.READY, 6, facts=facts), task(S.READY, 7)).facts == facts


def test_at_equal_revision_the_later_state_wins() -> None:
    assert newer(task(S.PENDING, 3), task(S.UNCERTAIN, 3)).state is S.PENDING
    assert newer(task(S.READY, 3), task(S.PROCESSING, 4)).state is S.PROCESSING


# ---- as text

requests = st.builds(
    GenerationRequest,
    prompt=st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: text.replace("\0", "").strip()),
    format=st.sampled_from(["AUTO", "GLB"]),
    seed=st.one_of(st.none(), st.integers(0, MAX_SEED)),
    image_name=st.sampled_from(["", "a.png"]),
)
tasks = st.builds(
    Task,
    local_id=st.uuids(version=4).map(str),
    scene_id=st.just("scene-1"),
    request=requests,
    state=states,
    revision=st.integers(0, 10_000),
    created_at=st.floats(0, 4e9),
    submitted_at=st.one_of(st.none(), st.floats(0, 4e9)),
    task_id=st.sampled_from(["", "ldtask_1", "gptproto_v3:1"]),
    progress=st.one_of(st.none(), st.integers(0, 100)),
    removed=st.booleans(),
    asset_urls=st.sampled_from([{}, {"glb": SIGNED, "model": SIGNED}]),
    result_path=st.sampled_from(["", "/models/a b/ü.glb"]),
    facts=st.sampled_from([None, ModelFacts(triangles=12, has_uvs=True, dimensions=(1.0, 0.5, 2.0))]),
)


@given(tasks)
def test_what_is_written_for_the_journal_is_read_back_whole(one: Task) -> None:
    assert from_text(to_text(one)) == one


@given(tasks)
def test_a_scenes_copy_holds_neither_addresses_nor_paths_and_reads_back_the_rest(one: Task) -> None:
    full = replace(one, asset_urls={"glb": SIGNED}, picture_path="/home/me/cat.png", result_path="/home/me/a.glb")
    text = to_scene_text(full, awaiting_import=True)
    assert json.loads(text)["awaiting_import"] is True
    assert "secret" not in text
    assert "/home/me" not in text
    expected = replace(full, asset_urls={}, picture_path="", result_path="", removed=False, scene_id="scene-9")
    assert from_text(text, scene_id="scene-9") == expected


def test_a_scenes_copy_cannot_bring_in_addresses_or_paths_of_its_own() -> None:
    hostile = task(
        S.READY,
        5,
        asset_urls={"glb": "https://evil.example.com/a.glb"},
        picture_path="/home/me/private.png",
        result_path="//evil.example.com/share/a.glb",
        removed=True,
    )
    read = from_text(to_text(hostile), scene_id="scene-9")
    assert read is not None
    assert (read.asset_urls, read.picture_path, read.result_path, read.removed) == ({}, "", "", False)


@pytest.mark.parametrize("broken", ["\ud800", "a\0b", "\udcff"])
def test_no_text_can_hurt_the_scene_or_the_journal(broken: str) -> None:
    one = replace(task(), request=GenerationRequest(prompt=broken, image_name=broken), picture_path=broken)
    for text in (to_text(one), to_scene_text(one)):
        text.encode("utf-8")
        assert "\0" not in text
        assert from_text(text) is not None


def written(**changes: object) -> str:
    return json.dumps({**json.loads(to_text(task(S.PENDING, 3))), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"x"',
        "{}",
        "[" * 100_000,
        written(state="MELTED"),
        written(state=None),
        written(state=[]),
        written(local_id="no uuid"),
        written(local_id=5),
        written(local_id=None),
        written(local_id=""),
    ],
)
def test_what_is_no_task_is_none(text: str) -> None:
    assert from_text(text) is None


def test_fields_that_are_unknown_missing_or_of_the_wrong_type_are_passed_over() -> None:
    text = written(future_field={"a": 1}, revision="3", progress=True, prompt=5, created_at="now", asset_urls=[1])
    read = from_text(text)
    assert read is not None
    assert (read.revision, read.progress, read.request.prompt, read.created_at, read.asset_urls) == (
        0,
        None,
        "",
        0.0,
        {},
    )
    assert from_text(json.dumps({"state": "PENDING", "local_id": read.local_id})) is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, HUGE, -HUGE, 1e300, 2**70, 1e18])
def test_a_number_that_is_no_time_and_no_count_is_passed_over(value: float) -> None:
    read = from_text(written(created_at=value, submitted_at=value, revision=value, progress=value, seed=value))
    assert read is not None
    assert (read.created_at, read.submitted_at, read.revision) == (0.0, None, 0)
    assert (read.progress, read.request.seed) == (None, None)


FIELDS = (
    "prompt",
    "placement",
    "model",
    "seed",
    "revision",
    "created_at",
    "settled_at",
    "progress",
    "asset_urls",
    "removed",
    "error",
    "facts",
)


@given(arbitrary.json_values)
def test_no_json_makes_reading_a_task_fail(value: object) -> None:
    from_text(json.dumps(value))


@given(arbitrary.records(*FIELDS), states)
@example({"created_at": HUGE}, S.PENDING)
def test_no_json_inside_a_task_makes_reading_it_fail_or_what_is_read_unusable(
    fields: dict[str, object], state: TaskState
) -> None:
    text = json.dumps({"local_id": str(uuid.uuid4()), **fields, "state": state.value})
    read = from_text(text, scene_id="scene-9")
    assert read is not None
    assert read.progress is None or 0 <= read.progress <= 100
    assert from_text(to_text(read)) == read
    to_scene_text(read).encode("utf-8")
