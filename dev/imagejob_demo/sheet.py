"""The contact sheet: each photo before and after, and what came of the bad uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

PAPER, INK, FAINT, LINE = (250, 250, 248), (28, 30, 34), (116, 120, 128), (222, 223, 220)
GOOD, BAD = (34, 120, 72), (176, 88, 16)
MARGIN, GAP = 48, 28
FRAME = (392, 300)
CARD = (2 * FRAME[0] + GAP, FRAME[1] + 112)
STRIP = 104
COLUMNS = 2
CHECKER = ((214, 214, 212), (240, 240, 238))

Box = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """One photo: the upload as stored, and an output of it."""

    title: str
    about: str
    before: Image.Image
    after: Image.Image
    before_text: str
    after_text: str
    removed: str


@dataclass(frozen=True)
class Refusal:
    """One bad upload."""

    title: str
    about: str
    reason: str
    message: str


def draw(pairs: Sequence[Pair], refusals: Sequence[Refusal], heading: str) -> Image.Image:
    """The whole sheet."""
    rows = -(-len(pairs) // COLUMNS)
    width = 2 * MARGIN + COLUMNS * CARD[0] + (COLUMNS - 1) * 2 * GAP
    top = MARGIN + 96
    cards = rows * (CARD[1] + GAP)
    strips = -(-len(refusals) // COLUMNS) * (STRIP + GAP // 2)
    sheet = Image.new("RGB", (width, top + cards + 64 + strips + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), "Uploads, and what came of them", INK, _font(40))
    pen.text((MARGIN, MARGIN + 52), heading, FAINT, _font(20))
    for number, pair in enumerate(pairs):
        _card(sheet, pair, _place(number, top, CARD[1] + GAP))
    under = top + cards
    pen.text((MARGIN, under + 8), "Refused", INK, _font(28))
    for number, refusal in enumerate(refusals):
        _strip(sheet, refusal, _place(number, under + 56, STRIP + GAP // 2))
    return sheet


def _place(number: int, top: int, step: int) -> Box:
    row, column = divmod(number, COLUMNS)
    return MARGIN + column * (CARD[0] + 2 * GAP), top + row * step


def _card(sheet: Image.Image, pair: Pair, at: Box) -> None:
    pen, (x, y) = ImageDraw.Draw(sheet), at
    pen.text((x, y), pair.title, INK, _font(24))
    indent = pen.textlength(pair.title, _font(24)) + 14
    room = CARD[0] - indent
    pen.text((x + indent, y + 7), _cut(pair.about, 17, room), FAINT, _font(17))
    after = x + FRAME[0] + GAP
    _frame(sheet, pair.before, (x, y + 38))
    _frame(sheet, pair.after, (after, y + 38))
    foot = y + 38 + FRAME[1] + 8
    pen.text((x, foot), pair.before_text, INK, _font(17))
    pen.text((after, foot), pair.after_text, GOOD, _font(17))
    pen.text((x, foot + 23), "as stored", FAINT, _font(15))
    pen.text((after, foot + 23), _cut(pair.removed, 15, FRAME[0]), FAINT, _font(15))


def _frame(sheet: Image.Image, image: Image.Image, at: Box) -> None:
    """The image in the middle of its place, on a checkerboard where it is transparent."""
    thumb = ImageOps.contain(image, FRAME, Image.Resampling.LANCZOS)
    ImageDraw.Draw(sheet).rectangle([at, (at[0] + FRAME[0], at[1] + FRAME[1])], (240, 240, 237))
    corner = at[0] + (FRAME[0] - thumb.width) // 2, at[1] + (FRAME[1] - thumb.height) // 2
    if thumb.has_transparency_data:
        sheet.paste(_checkerboard(thumb.size), corner)
        clear = thumb.convert("RGBA")
        sheet.paste(clear, corner, clear)
    else:
        sheet.paste(thumb.convert("RGB"), corner)


def _checkerboard(size: Box, square: int = 12) -> Image.Image:
    board = Image.new("RGB", size, CHECKER[0])
    pen = ImageDraw.Draw(board)
    for x in range(0, size[0], square):
        for y in range(0, size[1], square):
            if (x + y) // square % 2:
                pen.rectangle([x, y, x + square - 1, y + square - 1], CHECKER[1])
    return board


def _strip(sheet: Image.Image, refusal: Refusal, at: Box) -> None:
    pen, (x, y) = ImageDraw.Draw(sheet), at
    pen.rounded_rectangle([x, y, x + CARD[0], y + STRIP], 8, outline=LINE, width=2)
    pen.text((x + 18, y + 14), refusal.title, INK, _font(22))
    indent = pen.textlength(refusal.title, _font(22)) + 32
    pen.text((x + indent, y + 19), refusal.about, FAINT, _font(17))
    pen.text((x + 18, y + 44), refusal.reason, BAD, _font(19))
    pen.text((x + 18, y + 71), _cut(refusal.message, 16, CARD[0] - 36), FAINT, _font(16))


def _cut(text: str, size: int, room: float) -> str:
    """What of the text fits into `room` pixels."""
    font = _font(size)
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "...") > room:
        text = text[:-1]
    return text.rstrip() + "..."


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own, so that none has to be found on this machine."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType")
    return font
