"""What is taken from a store's answer, and what is never shown of it.

docs/reasons.md has the meaning of each code; tests/component/worker/test_s3_answers.py sends them.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_worker.storage.answers import MEANINGS, Answer, meaning, plain
from support.paths import ROOT

SECRETS = ("AKIAIOSFODNN7EXAMPLE", "a-session-token", "short")


def test_the_page_has_every_code_that_a_worker_knows() -> None:
    page = (ROOT / "docs" / "reasons.md").read_text()

    codes = set(re.findall(r"^\| \d{3} \| `([\w.]+)`", page, re.MULTILINE))

    assert codes - {"NoSuchKey"} == set(MEANINGS)


@pytest.mark.parametrize("reads", [True, False])
def test_what_passes_within_seconds_is_also_retried_later(*, reads: bool) -> None:
    passing = [
        found
        for code in MEANINGS
        if (found := meaning(Answer(400, text=f"<Code>{code}</Code>"), reads=reads)).is_passing
    ]

    assert passing
    assert {found.reason for found in passing} == {"StorageUnavailable"}


@pytest.mark.parametrize(
    ("answer", "region"),
    [
        (Answer(301, headers={"x-amz-bucket-region": "eu-west-1"}), "eu-west-1"),
        (Answer(400, text="<Region>eu-west-1</Region>"), "eu-west-1"),
        (Answer(301, text="<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"), "eu-west-1"),
        (Answer(301, text="<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>"), "eu-west-1"),
        (Answer(301, text="<Endpoint>s3.dualstack.eu-west-1.amazonaws.com</Endpoint>"), ""),
        (Answer(301, text="<Endpoint>b.s3.amazonaws.com</Endpoint>"), ""),
        (Answer(400, text="<Region>a b</Region>"), ""),
        (Answer(301, headers={"x-amz-bucket-region": "<b>"}), ""),
    ],
)
def test_the_region_is_found_wherever_s3_gives_it(answer: Answer, region: str) -> None:
    assert region == answer.region


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Access Denied", "Access Denied"),
        ("  a\r\n\tb\0\x1b[2Jc\u202ed\u200be ", "a b [2Jc d e"),
        ('say "no" &lt;now&gt; &amp; &#39;then&#39;', "say 'no' <now> & 'then'"),
        ("no key AKIAIOSFODNN7EXAMPLE here", "no key (hidden) here"),
        ("no token a-session&#45;token here", "no token (hidden) here"),
        ("shorter ones stay", "shorter ones stay"),
        (f"signature {'0' * 64}", "signature (hidden)"),
        (f"token {'aB+/' * 20}==", "token (hidden)"),
        ("key/1234abcd-12ab-34cd-56ef-1234567890ab", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("x " * 99, f"{'x ' * 28}x..."),
    ],
)
def test_a_store_s_text_becomes_one_plain_line(text: str, shown: str) -> None:
    assert shown == plain(text, SECRETS)


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_a_store_says_no_secret_is_shown(before: str, after: str) -> None:
    line = plain(f"{before}{SECRETS[0]}{after}{SECRETS[1]}", SECRETS, most=200)

    assert len(line) <= 200
    assert line.isprintable()
    assert '"' not in line
    assert not any(secret in line for secret in SECRETS[:2])


@given(st.text(max_size=200), st.sampled_from(["Code", "Message", "Region", "Endpoint"]))
def test_any_body_is_an_answer(text: str, name: str) -> None:
    answer = Answer(400, text=f"<Error><{name}>{text}</{name}><Code>AccessDenied</Code></Error>")

    assert meaning(answer, reads=True).reason
    assert re.fullmatch("[A-Za-z0-9_-]*", answer.region)
