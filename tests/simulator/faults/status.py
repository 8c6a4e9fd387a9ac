# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the status call and of how a task goes. bpy is not allowed here."""

from __future__ import annotations

from aiohttp import web

from ..replies import ServiceError
from ..tasks import Plan
from .answers import (
    drip,
    end_in_body,
    gzip_bomb,
    html,
    refusing,
    reset_in_body,
    server_error,
    silence,
    too_many,
    without,
)
from .registry import Body, Moment, ShapeHook, Stage, define, define_answer, define_plan, define_shape

BURST = 2
JUMPS = (10, 80, 35, 99, 5, 60)
URL_FIELDS = ("model_url", "glb_url", "fbx_url", "obj_url", "usdz_url")
FORMAT_FIELDS = URL_FIELDS[1:]


async def _gone_after_first_poll(moment: Moment) -> web.StreamResponse | None:
    if moment.the_task.polls == 1:
        return None
    message = "Task not found or no longer available."
    return ServiceError(404, "invalid_request_error", message, code="async_task_not_found").reply()


def _word(word: str, instead_of: str) -> ShapeHook:
    def shape(_moment: Moment, body: Body) -> Body:
        return {**body, "status": word} if body.get("status") == instead_of else body

    return shape


def _upper_case(_moment: Moment, body: Body) -> Body:
    return {**body, "status": str(body.get("status", "")).upper()}


def _jump(moment: Moment, body: Body) -> Body:
    if body.get("status") != "processing":
        return body
    return {**body, "progress": JUMPS[moment.the_task.polls % len(JUMPS)]}


def _absolute_poll_url(moment: Moment, body: Body) -> Body:
    return {**body, "poll_url": f"{moment.service.base_url}{body['poll_url']}"}


def _foreign_poll_url(moment: Moment, body: Body) -> Body:
    """The asset host is another origin, and its journal shows who came with a key."""
    return {**body, "poll_url": f"{moment.service.addresses.base_url}{body['poll_url']}"}


def _only_glb_url(_moment: Moment, body: Body) -> Body:
    shaped = {key: value for key, value in body.items() if key not in URL_FIELDS}
    if "model_url" in body:
        shaped["glb_url"] = body["model_url"]
    return shaped


def _extra_fields(_moment: Moment, body: Body) -> Body:
    """July promised `_routing` in every body; unknown fields must not matter (API notes 1.4)."""
    routing = {"channel": "primary", "attempts": [{"id": 1, "ok": True}]}
    return {**body, "_routing": routing, "thumbnail": None, "metrics": {"queue_ms": 12.5}, "data": []}


def _fails(plan: Plan) -> None:
    plan.fails = True


def _fails_with_a_string(plan: Plan) -> None:
    plan.fails = True
    plan.error = "Generation failed: the prompt was rejected upstream."


def _fails_for_lack_of_time(plan: Plan) -> None:
    plan.fails = True
    plan.error = {"code": "timeout", "message": "The generation took too long."}


def _runs_forever(plan: Plan) -> None:
    plan.runs_forever = True


def _glb_only(plan: Plan) -> None:
    plan.forced_format = "glb"


def _late_billing(plan: Plan) -> None:
    plan.completed_calls_before_billing = 3


def _never_billing(plan: Plan) -> None:
    plan.completed_calls_before_billing = None


def _old_ids(plan: Plan) -> None:
    """Ids of the LemonData era held a colon, which a path must carry quoted (API notes 2.2)."""
    plan.id_prefix = "gptproto_v3:"


def _too_many() -> ServiceError:
    return too_many(in_header=True, in_body=True)


define_answer("poll-500-once", "The first status call ends in a 500.", Stage.STATUS, refusing(server_error), times=1)
define_answer("poll-500", "Status calls end in a 500.", Stage.STATUS, refusing(server_error))
define_answer("poll-502-html", "Status calls get an HTML 502 of a proxy.", Stage.STATUS, html(502, "Bad Gateway"))
define_answer("poll-429", "The first two status calls get 429.", Stage.STATUS, refusing(_too_many), times=BURST)
define_answer("poll-never-answers", "Status calls are never answered.", Stage.STATUS, silence)
define_answer("poll-unreadable", "Status calls get 200 with an HTML page.", Stage.STATUS, html(200, "Welcome"))
define_answer("poll-reset-in-body", "Status calls are reset within their answers.", Stage.STATUS, reset_in_body)
define_answer("poll-truncated", "Answers to status calls end too early.", Stage.STATUS, end_in_body)
define_answer("poll-drips", "Answers to status calls drip for ever.", Stage.STATUS, drip)
define_answer("poll-gzip-bomb", "Answers to status calls are a few KB that become 64 MB.", Stage.STATUS, gzip_bomb)
define_answer("record-expires", "After the first status call the task is a 404.", Stage.STATUS, _gone_after_first_poll)

define_shape("no-task-id", "Answers have id but no task_id.", Stage.TASK_BODY, without("task_id"))
define_shape("no-poll-url", "Answers have no poll_url.", Stage.TASK_BODY, without("poll_url"))
define_shape("absolute-poll-url", "poll_url is absolute, on the same origin.", Stage.TASK_BODY, _absolute_poll_url)
define_shape("foreign-poll-url", "poll_url is on another origin.", Stage.TASK_BODY, _foreign_poll_url)
define_shape("poll-missing-status", "Status answers have no status.", Stage.STATUS_BODY, without("status"))
define_shape("status-succeeded", "Completed tasks say succeeded.", Stage.TASK_BODY, _word("succeeded", "completed"))
define_shape("status-upper-case", "Statuses are in upper case.", Stage.TASK_BODY, _upper_case)
define_shape(
    "status-unknown-word",
    "Running tasks say an unknown word.",
    Stage.TASK_BODY,
    _word("texturing", "processing"),
)
define_shape("no-progress", "Running tasks have no progress.", Stage.TASK_BODY, without("progress"))
define_shape("progress-jumps", "The progress jumps up and down.", Stage.TASK_BODY, _jump)
define_shape("completed-without-url", "Completed tasks have no URL.", Stage.TASK_BODY, without(*URL_FIELDS))
define_shape("only-model-url", "Completed tasks have only model_url.", Stage.TASK_BODY, without(*FORMAT_FIELDS))
define_shape("extra-fields", "Answers have fields that nobody knows.", Stage.TASK_BODY, _extra_fields)

define_plan("task-fails", "Tasks fail with an error object.", _fails)
define_plan("task-fails-string", "Tasks fail with an error sentence.", _fails_with_a_string)
define_plan("never-completes", "Tasks run for ever.", _runs_forever)
define_plan("wrong-format", "The result is a GLB, whatever was asked for.", _glb_only)
define_plan("late-billing", "The transaction id shows after three completed status calls.", _late_billing)
define_plan("never-billing", "The transaction id never shows.", _never_billing)
define_plan("colon-id", "Task ids hold a colon, as they used to.", _old_ids)

_only_glb = define("only-glb-url", "Completed tasks have only glb_url.")
_only_glb.plan = _glb_only
_only_glb.shapes[Stage.TASK_BODY] = _only_glb_url
for _status, _plan in (("canceled", _fails), ("expired", _fails), ("timeout", _fails_for_lack_of_time)):
    _fault = define(f"status-{_status}", f"Tasks end with the status {_status}, not charged.")
    _fault.plan = _plan
    _fault.shapes[Stage.TASK_BODY] = _word(_status, "failed")
