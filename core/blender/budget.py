# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits for spending, and whether a request stays within them. bpy is allowed here.

They are reckoned with the upper end of each model's published price. The Blenders of one computer share the limit of
the month; one that has not read the journal since another one sent something can go beyond it by that much.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ..service import stand_in
from ..service.errors import OverBudget, TokenLabError
from ..tasks.spending import Spending, Spent, dollars, upper_price
from . import models, preferences

COMMAND_LIMIT: Final = "limit for this command"
_CENT: Final = Decimal("0.01")
_MONTH_UNKNOWN: Final = (
    "What was spent this month is not known before the task journal was read. Nothing was sent or charged. "
    "Try again in a moment."
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that is set, and what counts towards it."""

    name: str
    """Such as "monthly limit"."""
    amount: Decimal
    spent: Spent
    is_monthly: bool = False


def limits(spending: Spending) -> list[Limit]:
    """Return the limits that are set, the command's too."""
    values = preferences.get()
    session, month = spending.this_session, spending.this_month
    wanted = (
        (COMMAND_LIMIT, spending.command_limit, spending.this_command, False),
        ("session limit", _amount(values.session_limit), session, False),
        ("monthly limit", _amount(values.month_limit), month, True),
    )
    return [Limit(name, amount, spent, by_month) for name, amount, spent, by_month in wanted if amount is not None]


def _amount(value: float) -> Decimal | None:
    """Return a preference in USD; 0 sets no limit."""
    return Decimal(value).quantize(_CENT) if value > 0 else None


def has_month_limit() -> bool:
    """Whether it matters what other Blenders send."""
    return _amount(preferences.get().month_limit) is not None


def is_limited(spending: Spending) -> bool:
    """Whether anything has to be reckoned."""
    return bool(limits(spending))


def price_of(model: str) -> Decimal | None:
    """Return the upper price of one request, or None when it is not known."""
    info = models.find(model)
    return upper_price(info.max_price) if info is not None else None


def check(spending: Spending, model: str, count: int) -> None:
    """Refuse requests that could go beyond a limit.

    :param count: how many; all of them or none.
    :raises OverBudget: when they could. It can be confirmed.
    :raises TokenLabError: when it is not known yet what was spent.
    """
    if stand_in.is_model(model):
        return
    price = price_of(model)
    for limit in limits(spending):
        if limit.is_monthly and not spending.is_complete:
            raise TokenLabError(_MONTH_UNKNOWN)
        if price is None:
            raise OverBudget(
                f"{model} publishes no price, or it is not known yet",
                f"your {limit.name} is {dollars(limit.amount)}",
                limit.name,
            )
        if limit.spent.most + price * count > limit.amount:
            raise OverBudget(
                f"It could cost {dollars(price * count)}",
                f"{dollars(limit.spent.most)} of your {limit.name}, {dollars(limit.amount)}, may be spent already"
                f"{_not_counted(limit.spent)}",
                limit.name,
            )


def _not_counted(spent: Spent) -> str:
    if not spent.unknown:
        return ""
    return f", without {spent.unknown} request{'' if spent.unknown == 1 else 's'} that had no published price"


def words(spending: Spending) -> str:
    """Return what may have been spent, as a sentence for the preferences."""
    said = f"This session: {spending.this_session.words}."
    month = spending.this_month.words if spending.is_complete else "not known before the journal was read"
    return f"{said} This month: {month}."
