"""Reading a tar file from front to back, each member with the place of its content.

The formats: POSIX ustar and pax, GNU (long names, base-256 numbers, sparse files in all four forms).
Nothing in a header is believed: sizes are bounded before memory is taken for them.
"""

from __future__ import annotations

import struct

import msgspec

from engine.images.archive.file_range import RangeReader
from engine.images.tar_stream import ByteSource
from engine.model.errors import UserError

BLOCK = 512
_BUFFER = 1 << 20
_LONGEST_EXTENSION = 1 << 20  # of a pax header or a GNU long name; more than any path can have
_MOST_EXTENSIONS = 64  # before one member
_MOST_PIECES = 1 << 16  # of a sparse file
_LARGEST = 1 << 56  # of a file
_LARGEST_OTHER = 1 << 38  # that the header of something else may claim
_LATEST = 1 << 62  # nanoseconds since the epoch, or before it
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s64s8s8s155s12x")
_NO_CHECKSUM = sum(b" " * 8)
_KINDS = {
    b"1": "link",
    b"2": "symlink",
    b"3": "character",
    b"4": "block",
    b"5": "directory",
    b"6": "fifo",
}
_XATTR = "SCHILY.xattr."

Piece = tuple[int, int]  # where in the file, how many bytes


class Member(msgspec.Struct, kw_only=True, gc=False):
    """One member. `kind` as in `Entry`, or `link` for a hard link to `target`.

    `offset`: where its stored content starts in the tar file; `stored`: how long that is. `size`: what
    the header says, for files how long they are. `pieces`: of a sparse file, what of it is stored, in order.
    """

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    target: str
    device: int
    xattrs: dict[str, bytes]
    offset: int
    stored: int
    pieces: tuple[Piece, ...] | None = None


class TarReader:
    """`what` names the file in errors: UserError for what is no tar file or was cut short."""

    def __init__(self, source: ByteSource, what: str) -> None:
        self._source = source
        self._what = what
        self._buffer = b""
        self._start = 0  # of the buffer, in the tar file
        self._at = 0  # in the buffer
        self._next = 0  # where the next header starts
        self._left = 0  # of the stored content of the current member

    @property
    def position(self) -> int:
        """How far it has been read."""
        return self._start + self._at

    def next(self) -> Member | None:
        """The next member; None after the last. What is left of the content of this one is passed over."""
        pax: dict[str, bytes] = {}
        long: dict[str, bytes] = {}
        for _ in range(_MOST_EXTENSIONS):
            self._skip(self._next - self.position)
            header = self._header()
            if header is None:
                if pax or long:
                    raise self._damaged("it ends after an extended header")
                return None
            kind = header[7]
            size = self._size(header[4])
            if kind in (b"x", b"X", b"g", b"L", b"K"):
                content = self._extension(size)
                if kind in (b"L", b"K"):
                    long["path" if kind == b"L" else "linkpath"] = content.rstrip(b"\0")
                elif kind != b"g":
                    pax |= self._records(content)
                continue
            return self._member(header, size, {**long, **pax})
        raise self._damaged("a member has too many extended headers")

    def read(self, count: int) -> bytes:
        """At most `count` bytes of the stored content; none at its end."""
        data = self._some(min(count, self._left))
        self._left -= len(data)
        return data

    def _header(self) -> tuple[bytes, ...] | None:
        block = self._exactly(BLOCK, may_end=True)
        if not block or block.count(0) == BLOCK:
            return None
        fields = _HEADER.unpack(block)
        claimed = self._number(fields[6])
        if claimed != sum(block) - sum(block[148:156]) + _NO_CHECKSUM:
            signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:])
            if claimed != signed + _NO_CHECKSUM:
                raise self._damaged("a header has a wrong checksum")
        self._next = self.position
        return fields

    def _extension(self, size: int) -> bytes:
        if size > _LONGEST_EXTENSION:
            raise self._damaged(f"a header of {size} bytes is beyond all measure")
        content = self._exactly(size)
        self._next += _padded(size)
        return content

    def _records(self, content: bytes) -> dict[str, bytes]:
        """The `LENGTH NAME=VALUE` records of a pax header; of the parts of a sparse map, all."""
        found: dict[str, bytes] = {}
        while content.rstrip(b"\0"):
            length_text, blank, _ = content[:20].partition(b" ")
            if not blank or not length_text.isdigit():
                raise self._damaged("an extended header is not as it should be")
            length = int(length_text)
            name, equals, value = content[len(length_text) + 1 : length - 1].partition(b"=")
            if not equals or length > len(content) or content[length - 1 : length] != b"\n":
                raise self._damaged("an extended header is not as it should be")
            key = name.decode("utf-8", "surrogateescape")
            if key in ("GNU.sparse.offset", "GNU.sparse.numbytes"):  # format 0.0: repeated, in order
                found["GNU.sparse.map"] = found.get("GNU.sparse.map", b"") + value + b","
            else:
                found[key] = value
            content = content[length:]
        return found

    def _member(self, header: tuple[bytes, ...], size: int, extended: dict[str, bytes]) -> Member:
        flag = header[7]
        name = extended.get("GNU.sparse.name") or extended.get("path") or self._short_name(header)
        kind = _KINDS.get(flag, "file")
        if flag in (b"\0", b"0") and name.endswith(b"/"):
            kind = "directory"
        if "size" in extended:
            size = self._decimal(extended["size"])
        target = extended.get("linkpath") or header[8].split(b"\0", 1)[0]
        modified = _time(extended["mtime"]) if "mtime" in extended else self._number(header[5]) * 10**9
        if kind != "file" and size > _LARGEST_OTHER:
            raise self._damaged("a member has an impossible size")
        device = 0
        if kind in ("character", "block"):
            device = _device(self._number(header[11]), self._number(header[12]))
        member = Member(
            name=_text(name),
            kind=kind,
            mode=self._number(header[1]) & 0o7777,
            uid=self._decimal(extended["uid"]) if "uid" in extended else self._number(header[2]),
            gid=self._decimal(extended["gid"]) if "gid" in extended else self._number(header[3]),
            size=size,
            mtime_ns=max(-_LATEST, min(modified, _LATEST)),
            target=_text(target) if kind in ("link", "symlink") else "",
            device=device,
            xattrs={
                key.removeprefix(_XATTR): value for key, value in extended.items() if key.startswith(_XATTR)
            },
            offset=0,
            stored=size if kind == "file" else 0,
        )
        if kind == "file":
            self._sparse(header, member, extended)
        member.offset = self.position
        self._left = member.stored
        self._next = self.position + _padded(member.stored)
        return member

    def _short_name(self, header: tuple[bytes, ...]) -> bytes:
        name = header[0].split(b"\0", 1)[0]
        if header[9] == b"ustar\x0000":
            prefix = header[13].split(b"\0", 1)[0]
            return prefix + b"/" + name if prefix else name
        return name

    def _sparse(self, header: tuple[bytes, ...], member: Member, extended: dict[str, bytes]) -> None:
        """Find out what of a sparse file is stored; nothing for any other file."""
        if header[7] == b"S":
            # The map of the old GNU form lies where ustar has the prefix: 4 pairs, a flag, the real size.
            area = header[13]
            numbers, is_extended, real = area[41:137], area[137:138], area[138:150]
            while is_extended not in (b"", b"\0"):
                block = self._exactly(BLOCK)
                numbers += block[:504]
                is_extended = block[504:505]
                if len(numbers) > _MOST_PIECES * 24:
                    raise self._damaged("a sparse file has too many pieces")
            fields = [numbers[at : at + 12] for at in range(0, len(numbers), 12)]
            values = [self._number(field) for field in fields if field.strip(b"\0 ")]
            member.size = self._size(real)
        elif "GNU.sparse.map" in extended:
            values = [self._decimal(text) for text in extended["GNU.sparse.map"].split(b",") if text]
            member.size = self._decimal(extended.get("GNU.sparse.size", b"0"))
        elif extended.get("GNU.sparse.major") == b"1":
            values = self._sparse_map(member)
            member.size = self._decimal(extended.get("GNU.sparse.realsize", b"0"))
        else:
            return
        pieces = tuple(zip(values[::2], values[1::2], strict=False))
        end = 0
        for start, count in pieces:
            if start < end or start + count > member.size:
                raise self._damaged("a sparse file is not as it should be")
            end = start + count
        if sum(count for _, count in pieces) != member.stored:
            raise self._damaged("a sparse file is not as it should be")
        member.pieces = pieces

    def _sparse_map(self, member: Member) -> list[int]:
        """The map of form 1.0, which takes the first blocks of the content."""
        text = self._exactly(BLOCK)
        count = self._decimal(text.split(b"\n", 1)[0])
        if count > _MOST_PIECES:
            raise self._damaged("a sparse file has too many pieces")
        while text.count(b"\n") < 1 + 2 * count:
            if len(text) >= member.stored:
                raise self._damaged("a sparse file is not as it should be")
            text += self._exactly(BLOCK)
        member.stored -= len(text)
        return [self._decimal(line) for line in text.split(b"\n")[1 : 1 + 2 * count]]

    def _number(self, field: bytes) -> int:
        """A number of a header: octal, or base 256 where its first bit says so."""
        if field[:1] and field[0] & 0x80:
            value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
            return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
        text = field.rstrip(b" \0")
        try:
            return int(text, 8) if text else 0
        except ValueError:
            raise self._damaged("a header has a number that is none") from None

    def _size(self, field: bytes) -> int:
        size = self._number(field)
        if not 0 <= size < _LARGEST:
            raise self._damaged("a member has an impossible size")
        return size

    def _decimal(self, text: bytes) -> int:
        if not (text.isdigit() and len(text) < 20 and int(text) < _LARGEST):
            raise self._damaged("an extended header has a number that is none")
        return int(text)

    def _exactly(self, count: int, may_end: bool = False) -> bytes:
        """So many bytes; none where the file ends, if it may."""
        data = self._some(count)
        if len(data) == count or (may_end and not data):
            return data
        parts = [data]
        missing = count - len(data)
        while missing:
            data = self._some(missing)
            if not data:
                raise self._damaged("it ends too early")
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _skip(self, count: int) -> None:
        source = self._source
        if isinstance(source, RangeReader) and count > len(self._buffer) - self._at:
            if self.position + count > source.length:
                raise self._damaged("it ends too early")
            self._start, self._at, self._buffer = self.position + count, 0, b""
            source.seek(self._start)
            return
        while count > 0:
            data = self._some(min(count, _BUFFER))
            if not data:
                raise self._damaged("it ends too early")
            count -= len(data)

    def _some(self, count: int) -> bytes:
        """Some bytes, at most `count`; none only at the end of the file, or when none are wanted."""
        if self._at == len(self._buffer) and count:
            self._start += self._at
            self._at = 0
            self._buffer = self._source.read(_BUFFER)
        data = self._buffer[self._at : self._at + count]
        self._at += len(data)
        return data

    def _damaged(self, why: str) -> UserError:
        return UserError(f"`{self._what}` cannot be read as a tar file: {why}")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _time(text: bytes) -> int:
    """Seconds with a fraction, as nanoseconds; 0 for what is no time."""
    whole, _, fraction = text.partition(b".")
    if not whole.lstrip(b"-").isdigit() or len(whole) > 12 or (fraction and not fraction.isdigit()):
        return 0
    nanoseconds = int(fraction[:9].ljust(9, b"0"))
    return int(whole) * 10**9 + (-nanoseconds if whole.startswith(b"-") else nanoseconds)


def _device(major: int, minor: int) -> int:
    """As `os.makedev`, which refuses what it cannot hold."""
    return ((major & 0xFFF) << 8) | ((major & ~0xFFF) << 32) | (minor & 0xFF) | ((minor & ~0xFF) << 12)
