"""Going on from where a cursor stands: rows at its value are read again, those there are known."""

from resources.sources.onward.boundary import MOST, Boundary, read_boundary
from resources.sources.onward.options import going_on
from resources.sources.onward.trail import Onward, Trail

__all__ = ["MOST", "Boundary", "Onward", "Trail", "going_on", "read_boundary"]
