# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile binary FBX: read as a tree, changed, and written so that every node ends where it says. No bpy.

The format is not published; the layout here is what Blender's own exporter writes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.campaigns.mutations.basics import FLOATS, INTEGERS, NAMES, Chance, Kind, Traps, flip_bits

HEAD: Final = 27
"""Bytes before the first node; the last four are the version."""
WIDE: Final = 7500
"""From this version on, offsets have eight bytes."""
SCALARS: Final = {b"Y": "<h", b"C": "<b", b"I": "<i", b"F": "<f", b"D": "<d", b"L": "<q"}
ARRAYS: Final = {b"f": "f", b"d": "d", b"l": "q", b"i": "i", b"b": "b"}
PACKED: Final = 1
TEXTURE_KEYS: Final = frozenset({b"FileName", b"RelativeFilename", b"Filename", b"Media"})


@dataclass
class Value:
    """One property of a node."""

    kind: bytes
    data: bytes
    """Of a number its bytes, of a text what follows its length, of an array what follows its head."""
    head: tuple[int, int] = (0, 0)
    """Of an array: how many numbers it has, and whether it is packed."""

    def numbers(self) -> list[float]:
        """The numbers of an array."""
        data = zlib.decompress(self.data) if self.head[1] == PACKED else self.data
        return list(struct.unpack(f"<{self.head[0]}{ARRAYS[self.kind]}", data))

    def set_numbers(self, numbers: list[float]) -> None:
        data = struct.pack(f"<{len(numbers)}{ARRAYS[self.kind]}", *numbers)
        self.head, self.data = (len(numbers), PACKED), zlib.compress(data)


@dataclass
class Node:
    name: bytes
    values: list[Value] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    is_list: bool = False
    """An empty record ends the children."""

    def below(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.below()


class Reader:
    """Reads a file into nodes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.version = struct.unpack_from("<I", data, HEAD - 4)[0]
        self.record = struct.Struct("<QQQB" if self.version >= WIDE else "<IIIB")
        self.place = HEAD

    def nodes(self) -> list[Node]:
        found = []
        while (node := self._node()) is not None:
            found.append(node)
        return found

    def _node(self) -> Node | None:
        end, count, length, name_length = self.record.unpack_from(self.data, self.place)
        self.place += self.record.size
        if end == 0:
            return None
        node = Node(self.data[self.place : self.place + name_length])
        self.place += name_length
        until = self.place + length
        node.values = [self._value() for _ in range(count)]
        self.place = until
        node.is_list = self.place < end
        while self.place < end and (child := self._node()) is not None:
            node.children.append(child)
        self.place = end
        return node

    def _value(self) -> Value:
        kind = self.data[self.place : self.place + 1]
        self.place += 1
        if kind in SCALARS:
            return Value(kind, self._take(struct.calcsize(SCALARS[kind])))
        if kind in ARRAYS:
            count, packed, length = struct.unpack("<III", self._take(12))
            return Value(kind, self._take(length), (count, packed))
        (length,) = struct.unpack("<I", self._take(4))
        return Value(kind, self._take(length))

    def _take(self, count: int) -> bytes:
        self.place += count
        return self.data[self.place - count : self.place]


def write(head: bytes, version: int, nodes: list[Node], tail: bytes) -> bytes:
    """Return a file; each node ends where it says."""
    out = bytearray(head)
    record = struct.Struct("<QQQB" if version >= WIDE else "<IIIB")

    def put(node: Node) -> None:
        place = len(out)
        values = b"".join(_written(value) for value in node.values)
        out.extend(bytes(record.size) + node.name + values)
        for child in node.children:
            put(child)
        if node.is_list:
            out.extend(bytes(record.size))
        record.pack_into(out, place, len(out), len(node.values), len(values), len(node.name))

    for node in nodes:
        put(node)
    return bytes(out) + bytes(record.size) + tail


def _written(value: Value) -> bytes:
    if value.kind in SCALARS:
        return value.kind + value.data
    head = struct.pack("<II", *value.head) if value.kind in ARRAYS else b""
    return value.kind + head + struct.pack("<I", len(value.data)) + value.data


# ------------------------------------------------------------------------------
# Mutations

Change = Callable[[Chance, list[Node], Traps], object]


def _changed(change: Change) -> Callable[[Chance, bytes, Traps], bytes]:
    def make(chance: Chance, data: bytes, traps: Traps) -> bytes:
        reader = Reader(data)
        nodes = reader.nodes()
        change(chance, nodes, traps)
        return write(data[:HEAD], reader.version, nodes, data[reader.place :])

    return make


def _all(nodes: list[Node]) -> list[Node]:
    return [below for node in nodes for below in node.below()]


def _arrays(nodes: list[Node]) -> list[Value]:
    return [value for node in _all(nodes) for value in node.values if value.kind in ARRAYS and value.head[0]]


def _hostile(chance: Chance, kind: bytes) -> float:
    if kind in (b"f", b"d", b"F", b"D"):
        return float(chance.choice(FLOATS))
    bits = {b"i": 32, b"I": 32, b"l": 64, b"L": 64, b"Y": 16}.get(kind, 8)
    value: int = chance.choice(INTEGERS) & (2**bits - 1)
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def _array_numbers(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Positions, corners, coordinates, times that are none."""
    for array in chance.choices(_arrays(nodes), k=chance.randint(1, 4)):
        numbers = array.numbers()
        for _ in range(chance.randint(1, 50)):
            numbers[chance.randrange(len(numbers))] = _hostile(chance, array.kind)
        array.set_numbers(numbers)


def _array_lengths(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Arrays that are shorter or longer than their partners."""
    for array in chance.choices(_arrays(nodes), k=chance.randint(1, 3)):
        numbers = array.numbers()
        array.set_numbers(chance.choice((numbers[: len(numbers) // 2], numbers[:1], numbers[:-1], numbers * 2)))


def _array_heads(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Arrays that say something else than they hold."""
    for array in chance.choices(_arrays(nodes), k=chance.randint(1, 3)):
        count, packed = array.head
        wrong = (chance.choice(INTEGERS) & 0xFFFFFFFF, packed), (count, chance.choice((0, 1, 2, 2**31)))
        array.head = chance.choice(wrong)


def _array_bits(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    for array in chance.choices(_arrays(nodes), k=chance.randint(1, 4)):
        array.data = flip_bits(chance, array.data)


def _bomb(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """An array of a gigabyte, packed into a few megabytes."""
    array = chance.choice(_arrays(nodes))
    count = chance.choice((20_000_000, 130_000_000))
    size = struct.calcsize(ARRAYS[array.kind])
    packer = zlib.compressobj(1)
    piece = bytes(1_000_000 * size)
    array.data = b"".join(packer.compress(piece) for _ in range(count // 1_000_000)) + packer.flush()
    array.head = (count, PACKED)


def _scalars(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    values = [value for node in _all(nodes) for value in node.values if value.kind in SCALARS]
    for value in chance.choices(values, k=chance.randint(1, 10)):
        value.data = struct.pack(SCALARS[value.kind], _hostile(chance, value.kind))


def _names(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    texts = [value for node in _all(nodes) for value in node.values if value.kind == b"S"]
    for value in chance.choices(texts, k=chance.randint(1, 20)):
        value.data = chance.choice(NAMES).encode() + chance.choice((b"", b"\0\1Model", b"\xff\xfe"))


def _types(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Texts where numbers should be, and the reverse."""
    for node in chance.choices([node for node in _all(nodes) if node.values], k=chance.randint(1, 4)):
        others = (Value(b"S", b"text"), Value(b"L", bytes(8)), Value(b"R", b"\0\1"), Value(b"d", b"", (0, 0)))
        node.values[chance.randrange(len(node.values))] = chance.choice(others)


def _tree(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Nodes left out, twice, or in another place."""
    for _ in range(chance.randint(1, 4)):
        parents = [node for node in _all(nodes) if node.children]
        parent = chance.choice(parents)
        child = chance.choice(parent.children)
        way = chance.randrange(4)
        if way == 0:
            parent.children.remove(child)
        elif way == 1:
            parent.children.append(child)
        elif way == 2:
            chance.choice(parents).children.insert(0, Node(child.name, child.values))
        else:
            node = child
            for _ in range(chance.choice((10, 400))):
                node = Node(b"Deep", [], [node], is_list=True)
            parent.children[0] = node


def _links(chance: Chance, nodes: list[Node], _traps: Traps) -> None:
    """Connections in a circle, to nobody, and of another kind."""
    links = [node for node in _all(nodes) if node.name == b"C" and len(node.values) > 2]
    for link in chance.choices(links, k=chance.randint(1, 6)):
        child, parent = link.values[1], link.values[2]
        way = chance.randrange(4)
        if way == 0:
            child.data, parent.data = parent.data, child.data
        elif way == 1:
            child.data = parent.data
        elif way == 2:
            parent.data = chance.choice(links).values[1].data
        else:
            link.values[0] = Value(b"S", chance.choice((b"OP", b"OO", b"PP", b"??")))


def _foreign(chance: Chance, nodes: list[Node], traps: Traps) -> None:
    """A texture that is a file of this computer, embedded or not."""
    path = traps.path(chance).encode()
    for node in _all(nodes):
        if node.name in TEXTURE_KEYS and node.values:
            node.values[0] = Value(b"S", path)
        if node.name == b"Content" and chance.random() < 0.5:
            node.values = []


def _offsets(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """A node that does not end where it says."""
    reader = Reader(data)
    word = 8 if reader.version >= WIDE else 4
    (end,) = struct.unpack_from("<Q" if word == 8 else "<I", data, HEAD)
    record = chance.choice((HEAD, end))
    place = record + word * chance.randrange(3)
    number: int = chance.choice((*INTEGERS, len(data), len(data) - 1, HEAD)) & (2 ** (8 * word) - 1)
    return data[:place] + number.to_bytes(word, "little") + data[place + word :]


def _version(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    version = chance.choice((0, 6100, 7100, 7300, 7499, 7500, 9999, 2**32 - 1))
    return data[: HEAD - 4] + struct.pack("<I", version) + data[HEAD:]


KINDS: Final = (
    Kind("numbers of arrays", _changed(_array_numbers)),
    Kind("lengths of arrays", _changed(_array_lengths)),
    Kind("heads of arrays", _changed(_array_heads)),
    Kind("bits of packed arrays", _changed(_array_bits)),
    Kind("a bomb", _changed(_bomb)),
    Kind("single numbers", _changed(_scalars)),
    Kind("names", _changed(_names)),
    Kind("values of another type", _changed(_types)),
    Kind("a tree that is none", _changed(_tree)),
    Kind("connections", _changed(_links)),
    Kind("a file of this computer", _changed(_foreign)),
    Kind("ends of nodes", _offsets),
    Kind("the version", _version),
)
