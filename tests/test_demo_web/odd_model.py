"""A model that can hang, die or fail at a question."""

import os
import time

from bright_model import BrightRuns

from mmvtg.registry import MODELS


@MODELS.register_module()
class OddRuns(BrightRuns):
    """Answers as ``BrightRuns``, unless the query says otherwise."""

    def forward(self, inputs, data_samples, mode='predict'):
        for sample in data_samples:
            if 'sleep' in sample.query:
                time.sleep(600)
            if 'die' in sample.query:
                os._exit(1)
            if 'fail' in sample.query:
                raise RuntimeError('<script>a fault with a path /home/me</script>')
            sample.set_metainfo(dict(query=sample.query.split()[-1]))
        return super().forward(inputs, data_samples, mode)
