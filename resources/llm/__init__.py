"""LLM cleaning: cleaning tasks, the `rules` engine, and models behind OpenAI-compatible URLs."""

from resources.llm.cleaner import Cleaner, CleaningRun, UsageFacts, make_cleaner
from resources.llm.fields import load_task
from resources.llm.task import CleaningTask, Invariants
from resources.task_files import TaskError, find_task

__all__ = [
    "Cleaner",
    "CleaningRun",
    "CleaningTask",
    "Invariants",
    "TaskError",
    "UsageFacts",
    "find_task",
    "load_task",
    "make_cleaner",
]
