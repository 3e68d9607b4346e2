"""Alerts: who is told of what (resources/alerts.yaml), and how a message reaches them."""

from resources.alerts.delivery import deliver, harmless
from resources.alerts.rules import FILE, KINDS, Rule, load_rules

__all__ = ["FILE", "KINDS", "Rule", "deliver", "harmless", "load_rules"]
