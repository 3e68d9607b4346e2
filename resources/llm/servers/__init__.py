"""How servers that speak like OpenAI differ: what they take, what they answer, how they refuse."""

from resources.llm.servers.dialect import Dialect, is_too_long, refuses
from resources.llm.servers.messages import error_of, text_of
from resources.llm.servers.refusals import told_in

__all__ = ["Dialect", "error_of", "is_too_long", "refuses", "text_of", "told_in"]
