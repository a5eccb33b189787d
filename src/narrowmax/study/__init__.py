"""The whole job, and each command's part of it, composed of the rooms below."""

from narrowmax.study.sources import Source, load
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

__all__ = ["Source", "Terms", "Work", "load"]
