# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can go wrong with the service, as exceptions whose text is a user's sentence. No bpy here.

A sentence says what happened, what it means for the money or the model, and what to do next. No sentence holds a URL,
a key or a traceback.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..files.images import MAX_BYTES
from ..text import public_words
from .contract import is_finite, request_id

During = Literal["create", "status", "models", "download"]
"""What was being done: the same answer means different things for the money."""

DASHBOARD_RUNS: Final = "tokenlab.sh/dashboard/runs"
DASHBOARD_BILLING: Final = "tokenlab.sh/dashboard/billing"
DASHBOARD_KEYS: Final = "tokenlab.sh/dashboard/api?tab=keys"
IN_PREFERENCES: Final = "in the preferences"
"""Words by which the panel knows which place a sentence sends the user to, and offers the way there."""


class TokenLabError(Exception):
    """Root of all errors that scripts see. `str(error)` is a user's sentence."""


class StillRunning(TokenLabError):
    """A wait is over before the task is. The task goes on and can be waited for again."""


class Duplicate(TokenLabError):
    """The same was asked for a short while ago. Nothing was sent."""

    def __init__(self, seconds: float) -> None:
        minutes = max(1, round(seconds / 60))
        self.ago = f"about {'a minute' if minutes == 1 else f'{minutes} minutes'} ago"
        """When that was, in words."""
        super().__init__(
            f"The same was sent {self.ago} and may be charged. Nothing was sent now. Change something, "
            "or confirm that it is meant to be generated, and paid for, once more."
        )


class OverBudget(TokenLabError):
    """A request could go beyond a limit that the user has set. Nothing was sent."""

    def __init__(self, cost: str, spent: str, name: str) -> None:
        """Say so with the figures.

        :param cost: what it could cost, as a clause.
        :param spent: how far the limit is used up, as a clause.
        :param name: of the limit, such as "monthly limit".
        """
        self.name = name
        self.figures = f"{cost}; {spent}."
        """For a question that the user can say yes to."""
        self.reason = f"{cost}, and {spent}. Nothing was sent or charged."
        """Without what can be done about it."""
        super().__init__(f"{self.reason} Raise the limit in the preferences, or confirm that it may be passed.")


class ServiceError(TokenLabError):
    """The service, or the way to it, did not do what was asked."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        """HTTP status, or None when no answer arrived."""
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds after which the service wants to be asked again, or None."""


class Unreachable(ServiceError):
    """No connection was made, so nothing was sent: DNS, refused, connect timeout, TLS handshake."""


class Refused(ServiceError):
    """A complete answer says no, and asking again unchanged would not help."""

    param = ""
    """The field of the request that the service complains about, or ""."""


class Busy(ServiceError):
    """The service itself says that it did not take the request now (429, or its own 503)."""


class Unclear(ServiceError):
    """The connection stood, but no readable answer arrived: the service may or may not have acted."""


class Stopped(ServiceError):
    """We ended the exchange ourselves, because Blender quits or the extension is disabled."""

    sent = False
    """Whether bytes of the request may have left."""


_CODES_OF_503: Final = ("all_channels_failed", "delivery_tier_unavailable")
"""What the service calls its own 503, as the code or as the type (API notes 5.2)."""
_GONE: Final = "async_task_not_found"
"""What the service says of a task that it knows no more, as the code or as the type (API notes 5.2)."""

_MONEY: Final[dict[During, str]] = {
    "create": "Nothing was charged.",
    "status": "The task goes on at the service.",
    "models": "Nothing was charged.",
    "download": "The model is safe at the service.",
}

_AGAIN: Final[dict[During, str]] = {
    "create": "It is tried again by itself.",
    "status": "It is asked again by itself.",
    "models": "Try again later.",
    "download": "It is tried again by itself.",
}


_ASKED_AGAIN: Final = ": with another key the task is asked about again by itself."


def unreachable(host: str, during: During, reason: str = "") -> Unreachable:
    """Return the error for a connection that was never made; `reason` is a short cause in plain words."""
    cause = f" ({reason})" if reason else ""
    money = "Nothing was sent or charged." if during in ("create", "models") else _MONEY[during]
    return Unreachable(
        f"{host} could not be reached{cause}. {money} Check the network and the service address, then try again."
    )


def no_answer(during: During, request_id: str = "", status: int | None = None) -> Unclear:
    """Return the error for an exchange that broke after the connection stood."""
    if during == "create":
        sentence = (
            "The request was sent, but no clear answer came back, so the service may have started a paid task. "
            f"Look at {DASHBOARD_RUNS} before you send it again."
        )
    else:
        sentence = f"The service did not answer clearly. {_MONEY[during]} {_AGAIN[during]}"
    return Unclear(sentence, status=status, request_id=request_id)


def stopped(during: During, *, sent: bool) -> Stopped:
    """Return the error for an exchange that we ended ourselves."""
    consequence = f"{_MONEY[during]} It can be resumed."
    if during == "create" and sent:
        consequence = f"The service may have started a paid task. Look at {DASHBOARD_RUNS} before you send it again."
    error = Stopped(f"The exchange was ended because TokenLab 3D was stopped. {consequence}")
    error.sent = sent
    return error


def error_object(body: object) -> Mapping[str, Any]:
    """Return the service's own error object (API notes 5.1), or an empty mapping."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, str) and error:
        return {"message": error}
    return error if isinstance(error, Mapping) else {}


def retry_after_seconds(headers: Mapping[str, str], body: object, *, now: float | None = None) -> float | None:
    """Return the wait that the service asks for: header (seconds or date), error object, body (API notes 5.2)."""
    error = error_object(body)
    top = body.get("retry_after") if isinstance(body, Mapping) else None
    for value in (headers.get("Retry-After"), error.get("retry_after"), top):
        seconds = _seconds(value, time.time() if now is None else now)
        if seconds is not None:
            return seconds
    return None


def _seconds(value: object, now: float) -> float | None:
    try:
        seconds = float(value)  # type: ignore[arg-type]  # anything else raises, as it should
    except (TypeError, ValueError, OverflowError):
        if not isinstance(value, str):
            return None
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (TypeError, ValueError, OverflowError, IndexError):
            return None
    # A day is the longest wait that we believe; NaN fails the comparison.
    return max(0.0, seconds) if seconds <= 86_400 else None


@dataclass(frozen=True, slots=True)
class _Answer:
    """A complete answer that says no."""

    status: int
    body: object
    during: During
    model: str
    """What the request was about, or ""."""

    @property
    def error(self) -> Mapping[str, Any]:
        return error_object(self.body)

    @property
    def detail(self) -> Mapping[str, Any]:
        """The first of the complaints about single fields, which stand beside the error object; or nothing."""
        details = self.body.get("validation_errors") if isinstance(self.body, Mapping) else None
        first = details[0] if isinstance(details, list) and details else None
        return first if isinstance(first, Mapping) else {}

    @property
    def is_of_no_route(self) -> bool:
        """Whether what was asked for is not there at all: only a task or a model can be missing at the service."""
        return self.status == 404 and self.during in ("create", "models") and self.code != "model_not_found"

    @property
    def is_of_no_service(self) -> bool:
        """Whether it is the 404 of any server, at a wrong address or on the way, and no word about a task."""
        return self.status == 404 and self.during == "status" and not self._is_named(_GONE)

    @property
    def is_own_word(self) -> bool:
        """Whether it is the service's own 503 (API notes 5.1).

        Proxies and gateways have error objects too, with types of their own, and what one of them answers does not say
        that a create did not arrive, also where it calls that retryable.
        """
        if self.status != 503:
            return False
        return self._is_named(*_CODES_OF_503) if self.during == "create" else bool(self.error)

    @property
    def is_final(self) -> bool:
        """Whether sending the same again is of no use, as the service itself says (API notes 5.2)."""
        return self.during == "create" and self.error.get("retryable") is False

    def _is_named(self, *names: str) -> bool:
        return any(self.error.get(name) in names for name in ("code", "type"))

    @property
    def code(self) -> str:
        return public_words(self.error.get("code") or self.error.get("type"), limit=80)


def from_answer(
    status: int, headers: Mapping[str, str], body: object, *, during: During, model: str = ""
) -> ServiceError:
    """Turn a complete answer with a status other than 2xx into the error it stands for (API notes 5.2).

    :param model: the model that the request was about, for the sentence.
    """
    answer = _Answer(status, body, during, model)
    request = request_id(headers)
    if status == 429 or (answer.is_own_word and not answer.is_final):
        return _busy(answer, request, retry_after_seconds(headers, body))
    if status == 408 or (status >= 500 and not answer.is_own_word) or answer.is_of_no_service:
        return no_answer(during, request, status)
    sentence = f"{_what_happened(answer)} {_what_next(answer)}"
    refused = Refused(sentence, status=status, code=answer.code, request_id=request)
    refused.param = public_words(answer.error.get("param") or answer.detail.get("field"), limit=80)
    return refused


def _busy(answer: _Answer, request: str, wait: float | None) -> Busy:
    reason = "too many requests at once" if answer.status == 429 else "no capacity right now"
    if answer.code == "delivery_tier_unavailable":
        reason = "no capacity in the chosen delivery tier"
    return Busy(
        f"The service is busy ({reason}). {_MONEY[answer.during]} {_AGAIN[answer.during]}",
        status=answer.status,
        code=answer.code,
        request_id=request,
        retry_after=wait,
    )


def _what_happened(answer: _Answer) -> str:
    known = {
        401: _no_entry(answer),
        402: _payment(answer),
        403: "This API key may not do that.",
        413: "The picture or prompt is larger than the service takes. "
        f"The last limit that it published for pictures is {MAX_BYTES // 1024**2} MB.",
    }
    if answer.status == 404 and answer.during == "status":
        return "The service no longer knows this task."
    if answer.code == "model_not_found":
        return f"The service does not know the model{_quoted(answer.error.get('model') or answer.model)}."
    if 300 <= answer.status < 400:
        return "The service address points somewhere else."
    if answer.is_of_no_route:
        return "There is nothing at the service address that takes this request."
    if answer.status in known:
        return known[answer.status]
    return f"The service refused the request: {_own_words(answer)}"


def _what_next(answer: _Answer) -> str:
    if answer.status == 404 and answer.during == "status":
        return f"Look at {DASHBOARD_RUNS} for it; nothing is sent again by itself."
    money = _MONEY[answer.during]
    if limit := _longest_prompt(answer):
        return f"{money} Shorten the prompt to {limit} characters and generate again."
    if answer.code == "model_not_found":
        meant = public_words(answer.error.get("did_you_mean"), limit=80)
        return f"{money} Did you mean {meant}?" if meant else f"{money} Choose another model."
    if 300 <= answer.status < 400 or answer.is_of_no_route:
        return f"{money} Check the service address {IN_PREFERENCES}."
    if answer.code == "quota_exceeded":
        return f"{money} Raise the limit of the key, or use another key."
    following = {
        401: f"Check the key {IN_PREFERENCES}{_ASKED_AGAIN if answer.during == 'status' else '.'}",
        402: f"Top up at {DASHBOARD_BILLING} and generate again.",
        403: _right_key(answer),
        413: "Make it smaller and generate again.",
        503: "Choose another model, or generate again later.",
    }
    return f"{money} {following.get(answer.status) or _hint(answer) or 'Change the request and generate again.'}"


def _longest_prompt(answer: _Answer) -> int:
    """How many characters a prompt may have, when that is what the service complains about; or 0."""
    limit = answer.error.get("prompt_max_characters")
    is_said = answer.status == 400 and answer.error.get("param") in (None, "prompt")
    return int(limit) if is_said and is_finite(limit) and 1 <= limit < 1e9 else 0


def _hint(answer: _Answer) -> str:
    """The service's advice, as a sentence, where we have none of our own for the answer; or ""."""
    words = public_words(answer.error.get("hint")).rstrip(".")
    return f"{words}." if words else ""


def _no_entry(answer: _Answer) -> str:
    if answer.code == "expired_api_key":
        return "The API key has expired."
    return "The service does not accept the API key."


def _right_key(answer: _Answer) -> str:
    if answer.during == "status":
        return f"Use a key of the workspace that the task belongs to{_ASKED_AGAIN}"
    return "Use a key of the right workspace, or choose another model."


def _payment(answer: _Answer) -> str:
    if answer.code == "quota_exceeded":
        return "The spending limit of this API key is reached."
    balance = answer.error.get("balance_usd")
    # NaN and what is no amount of money fail the comparison.
    if isinstance(balance, int | float) and not isinstance(balance, bool) and abs(balance) < 1e9:
        return f"The balance of ${balance:.2f} does not cover this task."
    return "The balance does not cover this task."


def _own_words(answer: _Answer) -> str:
    """The service's message, without a second full stop, or plain words when it gave none."""
    words = public_words(answer.error.get("message")) or public_words(answer.detail.get("message"))
    return f"{words.rstrip('.')}." if words else "it gave no reason."


def _quoted(value: object) -> str:
    text = public_words(value, limit=80)
    return f" “{text}”" if text else ""
