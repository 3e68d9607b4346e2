"""What gold sentences are made of: words of villages, libraries and kitchens, none of reviews."""

from __future__ import annotations

from random import Random
from typing import Final

# A particle after a syllable with a final consonant, and after one without.
_PARTICLES: Final = {
    "은": ("은", "는"),
    "이": ("이", "가"),
    "을": ("을", "를"),
    "과": ("과", "와"),
    "으로": ("으로", "로"),
}
_RIEUL: Final = 8

_KOREAN: Final = {
    "who": (
        "할머니",
        "목수",
        "사서",
        "제빵사",
        "선장",
        "이장님",
        "정원사",
        "우체부",
        "대장장이",
        "막내",
    ),
    "where": (
        "도서관",
        "강변",
        "온실",
        "항구",
        "천문대",
        "양조장",
        "뒷산",
        "나루터",
        "골목",
        "장터",
    ),
    "what": (
        "감자",
        "우산",
        "사다리",
        "항아리",
        "나침반",
        "반죽",
        "씨앗",
        "손수레",
        "망치",
        "돋보기",
    ),
    "book": ("구름 정거장", "염소와 등불", "밤에 쓴 편지", "바람의 주소", "돌담 너머", "소금 지도"),
    "when": (
        "새벽에",
        "점심때",
        "해 질 녘에",
        "장날마다",
        "어제저녁",
        "이른 봄부터",
        "비가 그치자",
    ),
    "how": ("천천히", "말없이", "부지런히", "조심조심", "혼자서", "웃으며", "묵묵히"),
    "did": ("옮겼다", "고쳤다", "그렸다", "닦았다", "찾아냈다", "나누어 주었다", "헤아려 보았다"),
    "like": ("따뜻했다", "조용했다", "비어 있었다", "북적였다", "낯설었다", "환했다"),
}
_KOREAN_SENTENCES: Final = (
    "{who}은 {when} {where}에서 {what}을 {did}.",
    "{when} {who}이 {what}을 {how} {did}.",
    "{where}은 {when} 유난히 {like}.",
    "{who}과 {who2}은 {where}까지 {what} {n}개를 날랐다.",
    "<{book}>을 읽던 {who}이 {where}으로 {how} 걸어갔다.",
    "{who}은 “{what}은 {where}에 두었네” 하고 말했다.",
    "{when} {where}에 모인 사람은 모두 {n}명이었다…",
    "{what}·{what2} 값은 {n},{m}원이고 {where}은 '{like}'.",
    "{who}의 <{book}>은 {n}쪽에서 끝난다!",
    "{where}에 {what}과 {what2}이 없으면 {who}이 {how} 가져올까?",
)
_ENGLISH: Final = {
    "who": (
        "Zoë",
        "the librarian",
        "Captain Brontë",
        "our baker",
        "José",
        "the carpenter",
        "Søren",
    ),
    "where": (
        "the harbour",
        "a greenhouse",
        "the old façade",
        "the observatory",
        "Málaga",
        "the mill",
    ),
    "what": (
        "crème brûlée",
        "a jalapeño",
        "the compass",
        "two ladders",
        "a wheelbarrow",
        "the dough",
    ),
    "book": (
        "Salt Maps",
        "The Goat & the Lantern",
        "Letters from Åland",
        "Nine Wells",
        "A Stone’s Rest",
    ),
    "when": ("before dawn", "at noon", "on market days", "after the rain", "since early spring"),
    "how": ("slowly", "without a word", "with some naïveté", "on their own", "rather proudly"),
    "did": ("carried", "mended", "painted", "counted", "polished", "found"),
    "like": ("crowded", "silent", "half empty", "warm", "unfamiliar"),
}
_ENGLISH_SENTENCES: Final = (
    "{When}, {who} {did} {what} near {where}.",
    "{Who} {did} {what} {how} — {when}, as always.",
    "It’s {like} in {where} {when}.",
    "“{What} isn’t mine,” said {who}, and {did} it {how}.",
    "<{book}> has {n} pages; {who} read it {when}.",
    "{Who} & {who2} {did} {n} jars for €{m} in {where}…",
    "Between {where} and {where2} lie {n} miles, {who} wrote {how}.",
    "'{book}' costs £{n}.50 (that’s {like} enough?)",
    'The sign says "{what} & more", yet {where} was {like}!',
)


def korean(rng: Random) -> str:
    """Make one to three Korean sentences."""
    made = [_filled(rng, rng.choice(_KOREAN_SENTENCES), _KOREAN) for _ in range(rng.randint(1, 3))]
    return " ".join(made)


def english(rng: Random) -> str:
    """Make one to three English sentences."""
    made = [
        _filled(rng, rng.choice(_ENGLISH_SENTENCES), _ENGLISH) for _ in range(rng.randint(1, 3))
    ]
    return " ".join(made)


def book(rng: Random, language: str) -> str:
    """Draw the title of a book."""
    return rng.choice((_KOREAN if language == "ko" else _ENGLISH)["book"])


def _filled(rng: Random, sentence: str, words: dict[str, tuple[str, ...]]) -> str:
    """Put words into a sentence's places; a Korean particle follows its word's last sound."""
    for name, choices in words.items():
        for place in (f"{{{name}}}", f"{{{name}2}}", f"{{{name.capitalize()}}}"):
            if place in sentence:
                word = rng.choice(choices)
                word = word[0].upper() + word[1:] if place[1].isupper() else word
                sentence = _placed(sentence, place, word)
    n, m = str(rng.randint(2, 99)), str(rng.randint(100, 999))
    return sentence.replace("{n}", n).replace("{m}", m)


def _placed(sentence: str, place: str, word: str) -> str:
    """Put one word in, with the particle that fits it."""
    before, _, after = sentence.partition(place)
    bracket = after[:1] if after[:1] == ">" else ""
    rest = after[len(bracket) :]
    if "가" <= word[-1] <= "힣":
        final = (ord(word[-1]) - 0xAC00) % 28
        for particle in sorted(_PARTICLES, key=len, reverse=True):
            if rest.startswith(particle):
                closed = final and not (particle == "으로" and final == _RIEUL)
                rest = _PARTICLES[particle][0 if closed else 1] + rest[len(particle) :]
                break
    return before + word + bracket + rest
