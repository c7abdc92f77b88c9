"""The model card."""

from __future__ import annotations

from typing import Any

from gliofuse.model.description import ModelDescription

__all__ = ["card_text", "model_card"]


def model_card(description: ModelDescription) -> dict[str, Any]:
    """Return the model card as JSON can hold it."""
    return {"name": description.name, "title": description.title}


def card_text(card: dict[str, Any]) -> str:
    """Return the model card as Markdown."""
    return f"# {card['name']}\n\n{card['title']}\n"
