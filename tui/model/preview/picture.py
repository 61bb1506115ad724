"""A picture as half blocks: two pixels in a cell of the terminal; for a thread, and for hostile files."""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import IO, TYPE_CHECKING, cast

import msgspec

from engine.explain import printable
from tui.model.preview.content import SharedContent
from tui.model.preview.content_file import ContentFile, TooMuch
from tui.model.preview.sheet import IsCancelled

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 25_000_000
_MOST_OF_JPEG = 200_000_000  # which is made smaller while it is decoded
_BUDGET = 64 << 20
_FORMATS = (
    "PNG",
    "JPEG",
    "GIF",
    "WEBP",
    "BMP",
    "ICO",
)  # no format whose decoder calls a program, or writes to the terminal
_CHECKERS = ((0x66, 0x66, 0x66), (0x8C, 0x8C, 0x8C))
_CHECKER = 4  # pixels


class Picture(msgspec.Struct, frozen=True):
    """`words` say what it is; `rows`: of each row of cells the upper and the lower pixels, as RGB bytes.

    `problem`: why it is not drawn.
    """

    words: str = ""
    rows: tuple[tuple[bytes, bytes], ...] = ()
    problem: str = ""


def picture_of(content: SharedContent, width: int, height: int, is_cancelled: IsCancelled) -> Picture:
    """The picture in at most `width` × `height` cells, none of it enlarged; 0 × 0: only what it is.

    OSError when the file cannot be read.
    """
    from PIL import Image, UnidentifiedImageError  # 40 ms, for what few files need

    file = ContentFile(content, _BUDGET, is_cancelled)
    # All that decoders let through when sizes and tables in a file are made up.
    damaged = (
        UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, EOFError, struct.error, ValueError,
        TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError, NotImplementedError,
        ZeroDivisionError, AssertionError, RuntimeError, zlib.error, TooMuch,
    )  # fmt: skip
    words = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(cast("IO[bytes]", file), formats=_FORMATS) as image:
                words = _words(image)
                most = _MOST_OF_JPEG if image.format == "JPEG" else MOST_PIXELS
                if image.width * image.height > most:
                    return Picture(words, problem="too large to be drawn")
                if not width or not height:
                    return Picture(words)
                return Picture(words, _rows(_shrunk(image, width, height * 2)))
    except damaged as error:
        return Picture(words, problem=f"damaged: {printable(str(error))[:200] or type(error).__name__}")
    except OSError as error:  # also the decoders' own error for data that is cut off
        if error.errno is not None:
            raise
        return Picture(words, problem=f"damaged: {printable(str(error))[:200]}")


def _words(image: Image) -> str:
    """`PNG, 640 × 480, RGBA`."""
    frames = getattr(image, "n_frames", 1) if image.format in ("GIF", "WEBP", "PNG") else 1
    motion = f", {frames:,} frames" if frames > 1 else ""
    return f"{image.format}, {image.width:,} × {image.height:,}, {image.mode}{motion}"


def _shrunk(image: Image, width: int, height: int) -> Image:
    """The picture without transparency, in a size that fits."""
    from PIL import Image as Images

    share = min(1.0, width / image.width, height / image.height)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    image.draft("RGB", size)  # a JPEG need not be decoded as a whole
    image.load()
    found: Image = image
    if found.mode.startswith("I"):  # 16 bits and more
        found = found.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif found.mode not in ("L", "LA", "RGB", "RGBA"):  # whose pixels cannot be mixed: a few of them
        near = max(size[0], min(found.width, size[0] * 4)), max(size[1], min(found.height, size[1] * 4))
        found = found.resize(near, Images.Resampling.NEAREST)
        found = found.convert("RGBA")
    if size != found.size:
        found = found.resize(size, Images.Resampling.BOX)
    found = found.convert("RGBA")
    ground = Images.new("RGBA", found.size)
    ground.putdata([(*_checker(place, size[0]), 255) for place in range(size[0] * size[1])])
    return Images.alpha_composite(ground, found).convert("RGB")


def _checker(place: int, width: int) -> tuple[int, int, int]:
    y, x = divmod(place, width)
    return _CHECKERS[(x // _CHECKER + y // _CHECKER) % 2]


def _rows(image: Image) -> tuple[tuple[bytes, bytes], ...]:
    data, length = image.tobytes(), image.width * 3
    lines = [data[start : start + length] for start in range(0, len(data), length)]
    if len(lines) % 2:
        lines.append(b"")
    return tuple(zip(lines[::2], lines[1::2], strict=True))
