"""The whole job, and each command's part of it, composed of the rooms below."""

from narrowmax.study.sources import Source, load
from narrowmax.study.work import Work

__all__ = ["Source", "Work", "load"]
