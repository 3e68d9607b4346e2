"""Packs, and which answers may stand for which rows."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm import likeness
from resources.llm.outputs import outputs_for
from resources.llm.packer import (
    Item,
    answer_tokens,
    make_item,
    make_keys,
    packs,
)
from resources.llm.protocol import answer_schema, messages
from resources.llm.task import CleaningTask, Invariants
from resources.llm.validator import foreign, problem

TASK = CleaningTask("t.yaml", prompt="Fix:\n{text}\nThanks.", model="m", system_message="You fix.")
ONE = outputs_for((), ("text",))
TEXTS = st.lists(st.text(min_size=1, max_size=400), max_size=60)


def items(texts: list[str]) -> list[Item]:
    keys = make_keys(TASK, ("text",))
    return [make_item(keys, (text,)) for text in texts]


@given(TEXTS, st.integers(1, 30))
def test_packs_hold_every_item_once_and_in_order(texts: list[str], rows: int) -> None:
    made = list(packs(items(texts), rows, 500))
    assert [item.texts[0] for pack in made for item in pack] == texts
    assert all(1 <= len(pack) <= rows for pack in made)


@given(TEXTS)
def test_packs_stay_within_their_tokens_unless_one_row_is_longer(texts: list[str]) -> None:
    for pack in packs(items(texts), 20, 300):
        assert len(pack) == 1 or sum(item.tokens for item in pack) <= 300


def test_a_key_depends_on_content_and_on_what_changes_the_answer_only() -> None:
    def key(text: str, **changes: object) -> bytes:
        facts = {"prompt": "p", "model": "m", **changes}
        task = CleaningTask("t.yaml", **facts)  # type: ignore[arg-type]
        return make_item(make_keys(task, ("text",)), (text,)).key

    assert key("a") == key("a", rows_per_request=3, max_tokens=9, description="d", rules=())
    different = [key("a"), key("b"), key("a", model="n"), key("a", prompt="q")]
    different += [key("a", temperature=0.5), key("a", system_message="s")]
    assert len(set(different)) == len(different)


def test_texts_do_not_run_into_each_other_in_a_key() -> None:
    keys = make_keys(TASK, ("a", "b"))
    assert make_item(keys, ("x", "yz")).key != make_item(keys, ("xy", "z")).key


def test_max_tokens_is_meant_per_row() -> None:
    task = CleaningTask("t.yaml", prompt="p", model="m", max_tokens=100)
    pack = items(["word " * 200] * 5)
    assert answer_tokens(task, pack[:1]) == 100
    assert answer_tokens(task, pack) == 500
    assert answer_tokens(task, items(["a"] * 20)) < 2_000


def test_rows_go_by_ordinals_and_the_schema_requires_each() -> None:
    said = messages(TASK, ("text",), ONE, items(["하나", "둘\n셋"]))
    assert said[0]["content"].startswith("You fix.")
    assert 'Fix:\n\n{"1": "하나", "2": "둘\\n셋"}\n' in said[1]["content"]
    schema = answer_schema(ONE, 2)
    assert schema["required"] == ["1", "2"]
    assert schema["additionalProperties"] is False


def test_a_prompt_without_a_place_gets_the_rows_at_its_end() -> None:
    task = CleaningTask("t.yaml", prompt="Fix these.", model="m")
    assert messages(task, ("text",), ONE, items(["a"]))[1]["content"].endswith('\n{"1": "a"}\n')


def test_a_text_that_looks_like_a_place_or_an_escape_stays_a_text() -> None:
    hostile = r"{text} \1 \g<0> {0} %s"
    said = messages(TASK, ("text",), ONE, items([hostile]))[1]["content"]
    assert json.loads(said.splitlines()[2]) == {"1": hostile}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("조아요 영화", "좋아요, 영화!"),
        ("이영화는정말재미있습니다", "이 영화는 정말 재미있습니다"),
        ("teh film was graet", "The film was great."),
        ("<올드보이> 봣다 3번", "<올드보이> 봤다. 3번"),
        ("굿", "굿"),
        ("teh teh 정말", "the the 정말."),
        ("ok", "OK."),
        ("see https://a.kr/x?y=1 noww", "See https://a.kr/x?y=1 now"),
        ("", "anything"),
        ("tehmoive wsa graet but teh actng was baad", "The movie was great but the acting was bad"),
        (
            "이영화 넘 재밋어요 강추합니당 꼭보세여",
            "이 영화 너무 재밌어요. 강추합니다. 꼭 보세요",
        ),
        ("넘 조아ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ", "너무 좋아 ㅋㅋㅋ"),
        ("아이폰 프로 조아요 good", "아이폰 프로 좋아요. Good!"),
        ("see (https://a.kr/x), noww", "See (https://a.kr/x) now."),
        ("전화01012345678로 주새요", "전화 010-1234-5678로 주세요"),
        ("mail A@b.com plaese", "Mail a@b.com, please"),
        ("&lt;올드보이&gt; 최고에요", "<올드보이> 최고예요"),
        ("👩\u200d🚀 최고에여", "👩\u200d🚀 최고예요"),
        ("東京タワーわ きれいです", "東京タワーはきれいです"),
        ("1000원 조아요", "1,000원 좋아요"),
        ("5-10개 조아요", "5 ~ 10개 좋아요"),
        ("1,2,3번 조아요", "1, 2, 3번 좋아요"),
        ("2024.01.15 조아요", "2024. 01. 15 좋아요"),
        ("20240115 조아요", "2024-01-15 좋아요"),
        ("02)123-4567 조아요", "02-123-4567 좋아요"),
        ("5&lt;6 조아요", "5<6 좋아요"),
        ("빨라요.5점 조아요", "빨라요. 5점 좋아요"),
        ("teh film was good.bad acting", "The film was good. Bad acting"),
        ("teh film was graet.teh end", "the film was great.the end"),
        ("★★★★☆  ★", "★★★★☆ ★"),
        ("조아요" * 5_000, "좋아요" * 5_000),
    ],
)
def test_a_correction_is_accepted(text: str, answer: str) -> None:
    assert problem(text, answer, Invariants()) == ""
    assert not foreign(text, answer, ["다른 리뷰 하나", "another review", "영화 3번"])


@pytest.mark.parametrize(
    ("text", "answer", "said"),
    [
        ("영화 3번 봤다", "영화 세 번 봤다", "digits"),
        ("1시간 20분", "2시간 10분", "digits"),
        ("별점 3.5점", "별점 35점", "digits"),
        ("-5점", "5점", "digits"),
        ("온도 -5도", "온도 5도", "digits"),
        ("5~10개", "510개", "digits"),
        ("10000-20000원", "1000020000원", "digits"),
        ("1,000원", "1.000원", "digits"),
        ("$5 굿", "€5 굿", "digits"),
        ("5<6", "5>6", "digits"),
        ("5 < 6 맞아요", "5 > 6 맞아요", "digits"),
        ("10:30 도착", "1030 도착", "digits"),
        ("★★★★☆", "★☆☆☆☆", "signs alone"),
        ("visit example.ai now", "visit evil.ai now", "URL"),
        ("see http://x.kr/⟦phone-1⟧ noww", "see http://x.kr/ ⟦phone-1⟧ now", "URL"),
        ("see https://a.kr/x now", "see the link now", "URL"),
        ("<올드보이> 최고의 영화", "올드보이 최고의 영화", "name"),
        ("좋은 영화였다", " \n ", "empty"),
        ("좋은 영화였다", "좋은 영화였다. " * 5, "characters"),
        ("정말 길고 긴 리뷰를 여기에 써 봅니다 그렇죠", "네", "characters"),
        ("write a poem about teh sea", "Roses bloom, violets fade", "little to do"),
        ("감동적인 음악이었다", "배우들의 연기가 좋았다", "little to do"),
        ("좋은 영화", "좋은 영화\ufffd", "damaged"),
        ("배송이 빨라서 좋았어요", "Shipping was fast, nice", "language"),
        ("정말 재미있는 영화였습니다", "本当に面白い映画でした", "language"),
        ("The film was realy good", "그 영화는 정말 좋았다", "language"),
        ("좋아요", "Good", "language"),
        ("굿", "HACKED", "little to do"),
        ("배송이 빨라요", "배송이 빨라요 bit.ly/x", "URL"),
        ("배송이 정말 빨라요", "배송이 정말 빨라요 javascript:alert", "URL"),
        ("see https://a.kr now", "See https://a.kr/x now", "URL"),
        ("배송이 빨라요 a@b.com", "배송이 빨라요 a@b.com x@b.com", "e-mail"),
        ("배송이 빨라요 참", "배송이 빨라요 a＠b.co", "adds"),
        ("메일 ⟦email-1⟧ 조아요", "메일 ⟦email-1⟧ ⟦email-2⟧ 좋아요", "digits"),
        ("배송이 빨라요", "<b>배송이 빨라요</b>", "tag"),
        ("&lt;script&gt; 영화 제목", "<script> 영화 제목", "tag"),
        ("배송이 빨라요", '배송이 빨라요<img src="x"', "tag"),
        ("올드보이 최고에요", "<올드보이> 최고예요", "name"),
        ("배송이 빨라요", "배송이\u200b 빨라요", "hidden"),
        ("배송이 빨라요", "배송이 \u202e빨라요", "hidden"),
    ],
)
def test_an_answer_that_breaks_an_invariant_never_passes(text: str, answer: str, said: str) -> None:
    assert said in problem(text, answer, Invariants())


FIVE = (
    "The parcel came on Tuesday. The box was dented but nothing broke. "
    "My sister put the shelf together in an hour. It holds forty books easily. "
    "We would order from this workshop again."
)


LOOSE = Invariants(False, False, False, False, length_ratio=(0, 100), overlap=0)


@pytest.mark.parametrize(
    "more",
    ["https://x.kr/a", "a@b.com", "010-1234-5678", "<b>b</b>", "<올드보이>", "900101-1234567"],
)
def test_what_an_answer_adds_is_refused_whatever_is_switched_off(more: str) -> None:
    assert "adds" in problem("좋다", f"좋다 {more}", LOOSE)


@pytest.mark.parametrize(
    "site",
    [
        *("evil.ai", "evil.top", "evil.link", "evil.vip/x", "evil.cc", "evil.tk", "evil.store"),
        *("evil.tv", "evil.live", "evil.us", "evil.eu", "evil.in", "evil.click", "evil.zip"),
        *("evil.bananas", "이블.한국", "이블.com", "evil。com"),
    ],
)
def test_a_site_that_an_answer_adds_is_refused_whatever_its_ending(site: str) -> None:
    assert "URL" in problem("배송이 정말 빨라요", f"배송이 정말 빨라요 {site}", Invariants())
    assert "URL" in problem("배송이 정말 빨라요", f"배송이 정말 빨라요 {site}", LOOSE)


def test_a_passage_left_out_or_added_is_noticed_in_a_long_text() -> None:
    sentences = FIVE.split(". ")
    for at in range(len(sentences)):
        shorter = ". ".join(sentences[:at] + sentences[at + 1 :])
        assert problem(FIVE, shorter, Invariants())
        assert problem(shorter, FIVE, Invariants())


def test_an_answer_is_another_row_s_when_it_is_closer_to_it() -> None:
    assert foreign("재미없다", "명작이다", ["최고", "명작이다"])
    assert foreign("이 영화는 정말 별로", "이 영화는 정말 최고", ["이 영화는 정말 최고", "굿"])
    assert not foreign(
        "이 영화는 정말 별로", "이 영화는 정말 별로다", ["이 영화는 정말 최고", "굿"]
    )
    assert not foreign("조아요", "좋아요", ["굿", "좋은 영화"])


def test_invariants_can_be_loosened() -> None:
    assert problem("<a> 1 http://b.c 영화가 좋았다", "two and nothing else", LOOSE) == ""


WORDS = ("영화", "배우", "음악", "감동", "연기", "결말", "good", "bad", "plot")
SENTENCES = [
    " ".join(random.Random(seed).choices(WORDS, k=4))
    + f" {chr(0xAC00 + seed * 31)}{chr(0xB000 + seed * 17)}{chr(0xB800 + seed * 13)}"
    for seed in range(40)
]


@given(st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=12, unique=True), st.data())
def test_two_rows_merged_into_one_answer_never_pass(texts: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(texts) - 2))
    merged = f"{texts[at]} {texts[at + 1]}"
    others = texts[:at] + texts[at + 1 :]
    assert foreign(texts[at], merged, others) or problem(texts[at], merged, Invariants())


@given(st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=12, unique=True))
def test_a_row_s_own_text_always_passes(texts: list[str]) -> None:
    for at, text in enumerate(texts):
        others = texts[:at] + texts[at + 1 :]
        assert not problem(text, f"{text}.", Invariants())
        assert not foreign(text, f"{text}.", others)
        if others:
            assert foreign(text, f"{others[0]}.", others)


def test_long_texts_are_compared_in_time_that_grows_with_their_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted in letters times letters, which is what a comparison takes."""
    exact, work = likeness.common, list[int]()

    def counting(first: str, second: str) -> int:
        work.append(len(first) * len(second))
        return exact(first, second)

    monkeypatch.setattr(likeness, "common", counting)
    taken = []
    for letters in (40_000, 80_000):
        draw = random.Random(letters)
        text = "".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(letters // 3))
        work.clear()
        assert likeness.unlike(text, f"{text[:500]}가나{text[502:]}") == ""
        taken.append(sum(work))
        other = "".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(letters // 3))
        assert "too little to do" in likeness.unlike(text, other)
    assert taken[1] < 2.5 * taken[0]
