"""Which output is derived from which, and at which scale a JPEG is decoded."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_worker.contract.order import Output
from imagejob_worker.image import plan
from PIL import Image
from support.pictures import Bench, encoded, photo


def plans(source: tuple[int, int], *outputs: dict[str, Any]) -> tuple[plan.OutputPlan, ...]:
    return plan.lay_out(source, [Output(name=str(i), **each) for i, each in enumerate(outputs)])


def square(side: int, **fields: Any) -> dict[str, Any]:
    return {"width": side, "height": side, "fit": "cover"} | fields


@pytest.mark.parametrize(
    ("outputs", "parents"),
    [
        # output index: the output it starts from, None for the source; largest first
        ([{"width": 320}, {"width": 1080}, {"width": 1920}], {2: None, 1: None, 0: 1}),
        ([{"width": 1600}, {"width": 800}], {0: None, 1: 0}),
        ([{"width": 1600}, {"width": 801}], {0: None, 1: None}),
        ([{"width": 800}, {"width": 800}], {0: None, 1: 0}),
        ([square(900), {"width": 300}], {0: None, 1: None}),
        ([square(900), square(900, format="avif")], {0: None, 1: 0}),
        ([square(900), square(900, gravity="west")], {0: None, 1: None}),
        ([{"width": 1600}, square(300)], {0: None, 1: 0}),
        ([{"width": 1600}, square(600)], {0: None, 1: None}),
        ([{"width": 2000}, {"width": 900}, {"width": 400}], {0: None, 1: 0, 2: 1}),
        ([{"width": 6000, "enlarge": True}, {}, {"width": 900}], {0: None, 1: None, 2: 1}),
    ],
)
def test_outputs_start_from_the_smallest_that_serves(
    outputs: list[dict[str, Any]], parents: dict[int, int | None]
) -> None:
    ordered = plan.largest_first((3000, 2000), plans((3000, 2000), *outputs))

    assert {each.index: each.parent for each in ordered} == parents
    assert [each.index for each in ordered] == list(parents)


@pytest.mark.parametrize(
    ("outputs", "scale"),
    [
        ([{"width": 500}], 8),
        ([{"width": 501}], 4),
        ([{"width": 999}], 4),
        ([{"width": 1001}], 2),
        ([{"width": 2000}], 2),
        ([{"width": 2001}], 1),
        ([{}], 1),
        ([{"width": 100}, {"width": 1800}], 2),
        ([square(333)], 8),
        ([square(334)], 4),
        ([square(333, gravity="smart")], 8),
        ([{"width": 100, "height": 1000, "fit": "fill"}], 2),
        ([{"width": 1500, "height": 100, "fit": "fill"}], 2),
    ],
)
def test_draft_leaves_what_every_output_needs(outputs: list[dict[str, Any]], scale: int) -> None:
    source = (6000, 4000)

    assert plan.draft_scale(source, plans(source, *outputs)) == scale


def test_draft_never_decodes_to_nothing() -> None:
    assert plan.draft_scale((5, 3), plans((5, 3), {"width": 1, "height": 1, "fit": "fill"})) == 2


def test_a_small_output_decodes_few_pixels(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, int]] = []
    from imagejob_worker.image.steps import reader

    normalize = reader.normalize

    def recorded(file: Any) -> Image.Image:
        image = normalize(file)
        decoded.append(image.size)
        return image

    monkeypatch.setattr(reader, "normalize", recorded)

    bench.process(encoded(photo((801, 600)), "JPEG"), {"width": 60})

    assert decoded == [(101, 75)]
