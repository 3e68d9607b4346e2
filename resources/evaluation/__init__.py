"""Evaluation: gold sets, what counts as right, and the statistics that say how sure it is."""
