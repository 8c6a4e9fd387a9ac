# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as a hostile or broken service, or somebody else's .blend, could send them. No bpy."""

from __future__ import annotations

from hypothesis import strategies as st

HUGE = 10**400
"""Legal in JSON, and more than a float holds."""

text = st.one_of(st.text(max_size=20), st.sampled_from(["\ud800", "a\0b", "", " ", "http://[", "https://x/y?z=1"]))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([HUGE, -HUGE, 2**63, -1]),
    st.floats(allow_nan=True, allow_infinity=True),
    text,
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
    max_leaves=12,
)


def records(*names: str) -> st.SearchStrategy[dict[str, object]]:
    """Objects with some of these names, and anything as their values."""
    return st.fixed_dictionaries({}, optional={name: json_values for name in names})
