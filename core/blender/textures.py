# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures that an import brought: its own go into the .blend, anybody else's stay out of it. bpy is allowed here.

A delivered file may name any file of this computer as its texture, and Blender's importers read and pack that as
willingly as one that lies beside it: somebody's private file would travel with every .blend that has the model.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import bpy

from ..files.texture_header import texture_size
from .file_paths import write_over

logger = logging.getLogger(__name__)

_MAX_SIDE: Final = 16_384
"""Pixels; what graphics cards take."""
_MAX_PIXELS: Final = 2**30
"""Of all pictures together: 4 GB once they are shown. A compressed file of any size may hold them."""


def take_in(images: Iterable[bpy.types.Image], folder: Path) -> None:
    """Pack what lies beside the model (OBJ, glTF), so that it can travel, and part with what lies elsewhere.

    :param folder: what it holds is the model's.
    """
    homes = (folder, Path(os.path.realpath(folder)))
    for image in images:
        path = _place(image)
        if path is None:
            continue
        if not any(_is_below(path, home) for home in homes):
            _disown(image, path)
        elif image.source == "FILE":
            _pack(image)
            _forget_place(image, path)


def find_moved(images: Iterable[bpy.types.Image], model: Path, folder: Path) -> None:
    """Look for pictures by their names in the archive that the model came in.

    A model may name them by where they lay on the computer that made it: FBX does, and some importers look no further
    than beside the model. Of several files with one name nobody knows which is meant.

    :param folder: the model's own; without an archive it lies there itself.
    """
    missing = [(image, path) for image in images if (path := _place(image)) and _is_missing(image, path, folder)]
    if not missing or model.parent == folder:
        return
    files: dict[str, list[Path]] = {}
    for file in (folder / model.relative_to(folder).parts[0]).rglob("*"):
        files.setdefault(file.name.casefold(), []).append(file)
    for image, path in missing:
        found = files.get(_file_name(path).casefold(), [])
        if len(found) == 1 and found[0].is_file():
            if image.type != "IMAGE":
                # Blender 4.2 puts a drawn picture in the place of one that it does not find, and goes on drawing it.
                image.source = "GENERATED"
                image.source = "FILE"
            image.filepath = str(found[0])


def _is_missing(image: bpy.types.Image, path: str, folder: Path) -> bool:
    """Whether a picture is not where the model says. Outside of its folder nobody looks: that may ask a server."""
    is_one_file = image.packed_file is None and image.source == "FILE"
    return is_one_file and not (_is_below(path, folder) and os.path.isfile(path))


def forget_places(images: Iterable[bpy.types.Image]) -> None:
    """Have packed pictures not say where the file was that they were appended from."""
    for image in images:
        path = _place(image)
        if path is not None and image.packed_file is not None:
            _forget_place(image, path)


def stated_size(image: bpy.types.Image) -> tuple[int, int]:
    """Return the width and height in pixels that a packed picture states, both 0 when it states none."""
    packed = image.packed_file
    return (packed and texture_size(packed.data)) or (0, 0)


def too_large(
    images: Iterable[bpy.types.Image], measure: Callable[[bpy.types.Image], tuple[int, int]] = stated_size
) -> str:
    """Say what is wrong with pictures that would take all memory as soon as they are shown, or "".

    :param measure: says how large one is. Asking Blender (`size_of`) takes just that memory.
    """
    total = 0
    for image in images:
        width, height = measure(image)
        total += width * height
        if max(width, height) > _MAX_SIDE:
            return f"has a texture of {width} x {height} pixels"
    return f"has textures of {total / 1e6:.0f} million pixels" if total > _MAX_PIXELS else ""


def drop_others(images: Iterable[bpy.types.Image], *, is_apart: bool) -> None:
    """Leave out what is packed and no picture: Blender packs whatever file a material names. Decodes the pictures.

    :param is_apart: this is no user's Blender, so what does not state how large it is may be tried too.
    """
    for image in images:
        if image.packed_file is None:
            continue
        is_tried = is_apart or 0 not in stated_size(image)
        if not is_tried or 0 in size_of(image):
            image.unpack(method="REMOVE")


def size_of(image: bpy.types.Image) -> tuple[int, int]:
    """Return width and height in pixels, both 0 when it cannot be read. Reads it, if it is not in memory."""
    width, height = image.size[:]  # type: ignore[index]  # the stubs do not know that an array is one
    return width, height


def _place(image: bpy.types.Image) -> str | None:
    """Return where an image comes from; None if that is no file."""
    if not image.filepath:
        return None
    return os.path.normpath(bpy.path.abspath(image.filepath, library=image.library))


def _is_below(path: str, folder: str | Path) -> bool:
    # By the words alone, since an archive holds no links: to follow them may mean to ask a server.
    return os.path.normcase(path).startswith(os.path.join(os.path.normcase(os.path.normpath(folder)), ""))


def _disown(image: bpy.types.Image, path: str) -> None:
    """Forget where an image lies, and what is in it if it was read there: what is embedded names any place."""
    # The USD importer takes textures out of the archive into Blender's own temporary folder.
    is_own = _is_below(path, bpy.app.tempdir)
    if image.packed_file is not None and not is_own and os.path.exists(path):
        logger.warning("The model names a file outside its folder as a texture, which was left out")
        image.unpack(method="REMOVE")
    _forget_place(image, path)


def _pack(image: bpy.types.Image) -> None:
    if image.packed_file is not None:
        return
    try:
        image.pack()
    except RuntimeError as error:
        logger.warning("The texture %s could not be packed: %s", image.name, error)


def _forget_place(image: bpy.types.Image, path: str) -> None:
    """Name the file alone: whoever unpacks the .blend later writes to that place, and whoever reads it reads a path."""
    name = f"//{_file_name(path)}"
    write_over(image, "filepath_raw", name)
    for packed in image.packed_files:
        write_over(packed, "filepath", name)


def _file_name(path: str) -> str:
    return os.path.basename(path.replace("\\", "/"))
