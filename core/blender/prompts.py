# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompt as it is sent, wherever the user wrote it. bpy is allowed here.

A form has two places for it: its own field, and a text of the file, which may have many lines in every Blender. What
was set last is what counts, so whoever sets the field need not know of the text.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..service.contract import DEFAULT_IMAGE_PROMPT
from ..service.errors import TokenLabError
from ..text import clean_text

MAX_CHARACTERS = 20_000
"""Longest prompt; models take far less (API notes 4.3)."""
_EXAMPLE = "A low-poly robot mascot"


def prompt_entered(form: Any, _context: object) -> None:
    """Let go of the text when the field is set, by whomever; called by Blender."""
    if form.prompt_text is not None:
        form.prompt_text = None


def of_form(form: Any) -> str:
    """Return the prompt that the user has written, without the space around it, or ""."""
    return _raw(form.prompt if form.prompt_text is None else form.prompt_text).strip()


def to_send(form: Any) -> str:
    """Return the prompt that a form would send: a picture alone goes with a neutral one (API notes 10)."""
    return of_form(form) or (DEFAULT_IMAGE_PROMPT if form.input_type != "TEXT" else "")


def placeholder(form: Any) -> str:
    """Return what an empty field shows: what is sent all the same, or an example."""
    return DEFAULT_IMAGE_PROMPT if form.input_type != "TEXT" else _EXAMPLE


def read(prompt: str | bpy.types.Text) -> str:
    """Return a prompt, or the whole of a text, in a form that can be sent and kept; line breaks stay.

    :raises TokenLabError: when it is longer than any model takes: it would be cut, and that paid for.
    """
    raw = _raw(prompt)
    if len(raw.strip()) > MAX_CHARACTERS:
        raise TokenLabError(
            f"The prompt has {len(raw.strip()):,} characters, and at most {MAX_CHARACTERS:,} are sent. "
            "Nothing was sent or charged. Make it shorter and generate again."
        )
    return clean_text(raw.strip(), limit=MAX_CHARACTERS)


def _raw(prompt: str | bpy.types.Text) -> str:
    return prompt.as_string() if isinstance(prompt, bpy.types.Text) else prompt
