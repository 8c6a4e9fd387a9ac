# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a model once Blender has read it. No bpy here: `core/blender/model_facts` measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

_MOST: Final = 2**53
"""Larger numbers lose their last digits in JSON as others read it."""
_LONGEST: Final = 1e12
"""Metres; more is no model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model as it was imported, without modifiers; what several objects share is counted for each of them."""

    triangles: int = 0
    parts: int = 0
    """Mesh objects."""
    non_manifold_edges: int = 0
    """Edges that have not two faces. Vertices in one place count as one: glTF splits them along the seams of UVs."""
    loose_pieces: int = 0
    """Connected pieces of all meshes, as above."""
    materials: int = 0
    textures: int = 0
    """Pictures that the materials use and that can be read."""
    missing_textures: int = 0
    """Pictures that the materials use and that cannot be found or read."""
    texture_size: int = 0
    """Longest side of the largest one in pixels."""
    texture_bytes: int = 0
    """Memory that they take as RGBA, in bytes."""
    has_uvs: bool = False
    """Each part with faces has a UV map."""
    dimensions: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Along x, y and z, in metres."""

    @property
    def remark(self) -> str:
        """What the user should know of it, as a sentence, or ""."""
        if not self.missing_textures:
            return ""
        what = "One texture" if self.missing_textures == 1 else f"{self.missing_textures} textures"
        return f"{what} of the model could not be found or read, so parts of it may look plain."

    def to_record(self) -> dict[str, object]:
        """Return the facts as JSON takes them."""
        # By name: `asdict` copies all values, and each of a thousand tasks has some.
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_record(cls, record: object) -> ModelFacts | None:
        """Read what `to_record` returned; None when it is nothing of that kind.

        It comes from a child process, a file or a .blend of anybody: what is of the wrong type is left out.
        """
        if not isinstance(record, Mapping) or _number(record.get("triangles")) is None:
            return None
        values: dict[str, Any] = {}
        for item in fields(cls):
            value = _READ[str(item.type).partition("[")[0]](record.get(item.name))
            if value is not None:
                values[item.name] = value
        return cls(**values)


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _lengths(value: object) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or len(value) != 3:  # noqa: PLR2004  # axes
        return None
    return tuple(float(item) for item in value) if all(_is_length(item) for item in value) else None


def _is_length(value: object) -> bool:
    # NaN fails the comparison.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LONGEST


_NAMES: Final = tuple(item.name for item in fields(ModelFacts))
_READ: Final = {"int": _number, "bool": _truth, "tuple": _lengths}
"""How a field of each type is read."""
