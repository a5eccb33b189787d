"""A network in an ONNX or TFLite file under examination: what reaches its softmaxes, for it does not learn."""

from __future__ import annotations

import numpy as np

from narrowmax.models.doctor import signs
from narrowmax.models.doctor.examination import Examination
from narrowmax.models.onnx.listening import Listened, Listener
from narrowmax.models.sites import Site


class FileExamination(Examination, Listener):
    """Made by `narrowmax.models.doctor.doctor`."""

    watches = True

    def __init__(self, network: Listened):
        Listener.__init__(self, network)
        Examination.__init__(self)

    def see(self, site: Site, x: np.ndarray, axis: int, mask: np.ndarray | None, heads: int | None) -> None:
        """Count one softmax."""
        signs.softmax(self.ledger, site, np.asarray(x), axis, mask)
