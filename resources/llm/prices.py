"""What models cost: USD per million tokens, from the project's own file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resources.document import Kind, read_document
from resources.task_files import TaskError

FILE = "resources/prices.yaml"
PRICES = Kind(
    "list of prices",
    TaskError,
    example="gpt-4o-mini",
    least="`MODEL: {prompt: 0.15, completion: 0.60}`",
)


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million prompt and completion tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Give the USD that so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6

    def halved(self) -> Price:
        """Give the price in a batch."""
        return Price(self.prompt / 2, self.completion / 2)


FREE: Final = Price(0.0, 0.0)


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Give a model's price; a dated name (`gpt-4o-mini-2024-07-18`) costs what its family does."""
    if model in prices:
        return prices[model]
    families = [name for name in prices if model.startswith(f"{name}-")]
    return prices[max(families, key=len)] if families else None


def load_prices(root: Path) -> dict[str, Price]:
    """Read the prices of a project; without the file, none is known."""
    path = root / FILE
    if not path.is_file():
        return {}
    document = read_document(path, PRICES)
    prices = {}
    for model, value in document.values.items():
        given = value if isinstance(value, dict) else {}
        numbers = [given.get("prompt"), given.get("completion")]
        if set(given) != {"prompt", "completion"} or not all(map(_is_price, numbers)):
            document.refuse(
                str(model),
                f"{value!r} is no price",
                "write {prompt: 0.15, completion: 0.60}: USD per million tokens",
            )
        prices[str(model)] = Price(float(given["prompt"]), float(given["completion"]))
    return prices


def _is_price(value: object) -> bool:
    """Tell a number that may be a price."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
