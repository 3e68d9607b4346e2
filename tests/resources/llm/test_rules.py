"""The rules engine: what it repairs, and what it must never touch."""

from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resources.llm.rules import _STEPS, _apply, cleaner_of
from resources.llm.task import DEFAULT_RULES, RULES

CERTAIN = tuple(rule for rule in RULES if rule != "spacing")

clean = cleaner_of()

REPAIRED = {
    "UTF-8 read as Latin-1": ("안녕하세요 영화".encode().decode("latin-1"), "안녕하세요 영화"),
    "UTF-8 read as Windows-1252": ("It donâ€™t matter", "It don’t matter"),
    "CP949 read as Latin-1": (
        "안녕하세요 ㅋㅋ".encode("cp949").decode("latin-1"),
        "안녕하세요 ㅋㅋ",
    ),
    "a syllable spelled with a filler": ("이거 ㅤㅂㅘㅅ는데", "이거 봣는데"),
    "UTF-8 read as Latin-1, then escaped here and there": (
        "안녕 영화".encode().decode("latin-1").replace(" ", "&nbsp;").replace("\u00ec", "&igrave;"),
        "안녕 영화",
    ),
    "an à whose second half became a space, beside other proof": ("voilÃ  cafÃ©", "voilà café"),
    "CP949 read as Latin-1, Korean right behind Latin letters": (
        "TV를 켜고 A/S가 5kg에 ２．５ 30°".encode("cp949").decode("latin-1"),
        "TV를 켜고 A/S가 5kg에 ２．５ 30°",
    ),
    "CP949 read as Latin-1, one word": ("B급 감성".encode("cp949").decode("latin-1"), "B급 감성"),
    "CP949 read as Latin-1, a rare syllable": (
        "뷁 이건 정말 좋은 영화".encode("cp949").decode("latin-1"),
        "뷁 이건 정말 좋은 영화",
    ),
    "English in CP949 read as Latin-1": ("it¡¯s ¡°fine¡±", "it’s “fine”"),
    "UTF-8 read as Latin-9": (
        "그럭저럭 DVD로 봤음".encode().decode("iso8859-15"),
        "그럭저럭 DVD로 봤음",
    ),
    "UTF-8 read as DOS Latin": ("Se├▒or, itÔÇÖs fine", "Señor, it’s fine"),
    "UTF-8 read as Windows-1251": ("cafГ© crГЁme", "café crème"),
    "Western UTF-8 read as CP949": ("Se챰or", "Señor"),
    "C1 controls that are signs": ("It\x92s \x93fine\x94 \x96 ok", "It’s “fine” – ok"),
    "a C1 control between letters": ("영\x80화 lo\x9fng", "영화 long"),
    "a C1 line end": ("하나\x85둘", "하나\n둘"),
    "an escaped URL in an escaped row": (
        html.escape("<그녀> https://x.kr/?id=33&c=2 '굿'"),
        "<그녀> https://x.kr/?id=33&c=2 '굿'",
    ),
    "an escaped URL alone": ("https://x.kr/?id=3&amp;copy=2 굿", "https://x.kr/?id=3&copy=2 굿"),
    "a URL that held an escaped part before all was escaped": (
        html.escape("https://x.kr/?a=1&copy=2&amp;b=3"),
        "https://x.kr/?a=1&copy=2&amp;b=3",
    ),
    "entities behind a URL": (
        "http://e/a?b=1&c=2&nbsp;for&nbsp;it, &quot;http://e/a&quot;",
        'http://e/a?b=1&c=2 for it, "http://e/a"',
    ),
    "rare invisible characters": (
        "영\u180e화\u061c \u034f최\u115f고\u1160 \u17b4a\ufff9b\ufffb\U000e0001\U000e0041c",
        "영화 최고 abc",
    ),
    "variation signs after letters": ("영\ufe0e화 a\ufe0e", "영화 a"),
    "fillers in a word and beside it": ("영\u3164화 \u3164좋\uffa0아", "영화 좋아"),
    "joiners between Hangul letters": ("ㅎ\u200dㅎ\u200cㅎ", "ㅎㅎㅎ"),
    "entities": ("톰 &amp; 제리 &#39;최고&#x27; &hearts;", "톰 & 제리 '최고' ♥"),
    "entities escaped three times": ("&amp;amp;lt;올드보이&amp;amp;gt;", "<올드보이>"),
    "tags": ("첫줄<br>둘째 <b>굵게</b> <a href='x'>끝</a>", "첫줄 둘째 굵게 끝"),
    "zero-width characters": ("영\u200b화\ufeff 최\u2060고", "영화 최고"),
    "control characters": ("영화\x00\x08 최고\x1b[31m!", "영화 최고!"),
    "a joiner outside emoji": ("영\u200d화", "영화"),
    "spaces": ("  영화\u00a0\u3000 최고\t\t!  ", "영화 최고 !"),
    "line ends": ("하나 \r\n 둘\r\r\r\r셋", "하나\n둘\n\n셋"),
    "decomposed Hangul": (unicodedata.normalize("NFD", "영화 최고"), "영화 최고"),
}


@pytest.mark.parametrize(("dirty", "expected"), REPAIRED.values(), ids=REPAIRED.keys())
def test_it_repairs(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<올드보이> 최고!",
        "<Her> <Big> <table> <B> <M> <title> 다 봤다",
        "<Center Stage> and <i>",
        "3 < 5 > 2, a<b",
        "ㅋㅋㅋㅋㅋㅋㅋㅋ!!!!!!! ㅠㅠㅠㅠ......",
        "https://a.kr/?a=1&copy=2&amp;b=%20&lt=3#x 링크",
        "www.example.com/a__b//c",
        "전화 010-0000-0000, 1,234.50원, ½ ㎡ ① １２３",
        "“큰따옴표” ‘작은따옴표’ … — 『제목』 《책》",
        "👨\u200d👩\u200d👧\u200d👦 ❤️ 👍🏽",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "café naïve à Łódź Ünïcödé ÀÉÎ ¿Éxito? ¡Ñandú! ±½ °C",
        "AT&T R&D &c. &nosuch; &#0;",
        "可愛い 日本語 漢字 男女 北京",
        "می\u200cخواهم",
        "☎\ufe0e ℹ\ufe0f 1\ufe0f\u20e3",
        "\u115f\u1161\u11ab \u1112\u1160\u11ab",
        "INFORMAÇÃO E EDUCAÇÃO E AÇÃO",
        "ÄÄÄÄÄÄ nein! HÄÄÄÄ?",
        "“Â” is a letter",
        "the 챌린지, A챔피언, b챔 c",
        "┌──┬──┐ ├──┤",
        "HTML에서 <br> 태그는",
        "std::vector<p> x",
        "http://a.b/?x=1&amp;y",
        "क्\u200dष",
        "שלום \u200fעולם",
        "뷁 똠방각하 쀍 햏자",
        "Ã",
        "Ã é letra: IRMÃ e MANHÃ são palavras",
        "",
        "하나\n둘\n\n셋",
        "C:\\Users\\x\\n",
    ],
)
def test_it_never_touches(text: str) -> None:
    assert clean(text) == text


def test_repeated_marks_are_shortened_only_when_asked() -> None:
    assert (
        cleaner_of((*DEFAULT_RULES, "repeats"))("굿!!!!!! ㅋㅋㅋㅋㅋ 10000 ....")
        == "굿!!! ㅋㅋㅋ 10000 ...."
    )


def test_without_rules_nothing_is_changed() -> None:
    assert cleaner_of(())("  &amp; <br>\x00 ") == "  &amp; <br>\x00 "


def test_a_rule_that_is_off_changes_nothing() -> None:
    assert cleaner_of(("whitespace",))("a  &amp;  <br>") == "a &amp; <br>"


MARKUP = ("&amp;", "&", "amp;", "lt;", "gt;", "#38;", "<br>", "<b>", "</b>", "<", ">", "b", "=")
SPACE = (" ", "  ", "\n", "\r", "\u200d", "\u200b", "\u202e", "\u3164", "\x1b[", "m", "\x92", "'")
KOREAN = ("영화", "최고", "ㅂ", "ㅏ", "\u1112\u1161\u11ab", "樂", "👩", "!!!!!", "1", ";", '"', "/")
BROKEN = ("Ã", "¼", "È", "³", "é", "e\u0301", "â€™", "\ufffd", "ì", "\x95", "\x88", "http://a.b")
RARE = (
    "\u1160",
    "\u115f",
    "\u180e",
    "\ufe0e",
    "\U000e0041",
    "🏴",
    "\x93",
    "\x85",
    "¡¯",
    "°¡",
    "챰",
)
PIECES = st.sampled_from(MARKUP + SPACE + KOREAN + BROKEN + RARE)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join))


@settings(max_examples=500)
@given(TEXTS, st.sampled_from([DEFAULT_RULES, CERTAIN]))
@example("&am<b>p;</b>lt;br>", DEFAULT_RULES)
def test_cleaning_twice_is_cleaning_once(text: str, rules: tuple[str, ...]) -> None:
    once = cleaner_of(rules)(text)
    assert cleaner_of(rules)(once) == once


@settings(max_examples=500)
@given(TEXTS, st.sampled_from([DEFAULT_RULES, CERTAIN]))
def test_a_text_that_is_not_looked_at_closely_needs_nothing(
    text: str, rules: tuple[str, ...]
) -> None:
    if cleaner_of(rules)(text) == text:
        steps = tuple(step for name, step in _STEPS.items() if name in rules)
        assert _apply(text, steps) == text


WORDS = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=6)
CLEAN_TEXTS = st.lists(
    WORDS | st.from_regex(r"[A-Za-z0-9]{1,8}[.,!?]?", fullmatch=True), min_size=1, max_size=8
).map(" ".join)


@given(CLEAN_TEXTS)
def test_a_clean_text_comes_out_as_it_went_in(text: str) -> None:
    assert clean(text) == text


@given(CLEAN_TEXTS, st.integers(1, 3))
def test_escaping_is_undone(text: str, times: int) -> None:
    marked = f"<{text}> & '{text}'"
    dirty = marked
    for _ in range(times):
        dirty = html.escape(dirty)
    assert clean(dirty) == clean(marked)


@given(CLEAN_TEXTS, st.sampled_from(["\u200b", "\ufeff", "\x00", "\u2060", "\u00ad"]), st.data())
def test_invisible_characters_vanish(text: str, junk: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    assert clean(text[:at] + junk + text[at:]) == text


@given(CLEAN_TEXTS)
def test_decomposed_text_is_composed(text: str) -> None:
    assert clean(unicodedata.normalize("NFD", text)) == text


def test_what_was_lost_before_is_not_brought_back_as_a_question_mark() -> None:
    assert cleaner_of()("ÃÂ¯Ã‚Â¿ lost ï¿½ here").count("\ufffd") == 0
    assert cleaner_of()("lost ï¿½ here") == "lost ï¿½ here"
