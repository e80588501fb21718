"""Tolerances of the recordings, and comparisons within them.

The recordings hold float32 numbers of one processor, and other processors round
differently. The tolerances are those of the READMEs of the recordings. Models that can
run in float64 do: then only the rounding of the recording itself remains.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Tolerance:
    """Allowed difference: ``absolute`` + ``relative`` x largest recorded magnitude."""

    relative: float = 0.0
    absolute: float = 1e-9

    def scaled(self, factor):
        return Tolerance(self.relative * factor, self.absolute * factor)


#: R2-Tuning, MMN, ActPrompt, VDI, suppression: outputs, losses; gradients.
OUTPUT = Tolerance(relative=1e-5)
GRADIENT = Tolerance(relative=1e-4)
#: Targets and schedules, which take few operations.
TARGET = Tolerance(relative=1e-6)
#: R2-Tuning: ends of moments, in seconds.
SECONDS = Tolerance(absolute=1e-3)

#: Moment-DETR, QD-DETR, TR-DETR, UniVTG. Spans are fractions of the video. The READMEs
#: do not name states inside of the model.
SPANS = SALIENCY = Tolerance(absolute=1e-4)
LOGITS = Tolerance(absolute=5e-4)
STATES = Tolerance(relative=1e-4)
#: The READMEs allow float32 losses ten times as much.
DETR_LOSS = Tolerance(relative=1e-4, absolute=1e-5)
#: Norms of gradients. Gradients that vanish in exact arithmetic are rounding noise.
DETR_GRADIENT = Tolerance(relative=1e-3, absolute=1e-3)

#: Efficient-Prompt.
PROMPT_OUTPUT = Tolerance(absolute=1e-4)
PROMPT_GRADIENT = Tolerance(relative=2e-3)

#: STALE.
STALE_OUTPUT = STALE_SEGMENT = Tolerance(absolute=1e-4)
STALE_LOSS = Tolerance(relative=1e-4)
STALE_SCORE = Tolerance(absolute=1e-5)


def close(actual, expected, tolerance=OUTPUT):
    """Assert that a tensor or number is within ``tolerance`` of what was recorded."""
    actual = torch.as_tensor(actual).detach().double()
    expected = torch.as_tensor(expected).double()
    assert actual.shape == expected.shape
    if not expected.numel():
        return
    error = (actual - expected).abs().max().item()
    allowed = tolerance.absolute + tolerance.relative * expected.abs().max().item()
    assert error <= allowed, f'difference {error:.1e}, allowed is {allowed:.1e}'


def compare_predictions(samples, recorded, smallest=0.0):
    """Compare predicted moments and saliency with those of a DETR-like recording.

    The recording has moments with four decimals, and saliency in half precision.

    Args:
        samples (list[GroundingDataSample]): Predictions.
        recorded (list[dict]): Recorded rows of a submission.
        smallest (float): Lower bound of the magnitude whose half-precision rounding
            counts, for a saliency that is a sum of rounded numbers.
    """
    assert len(samples) == len(recorded)
    for sample, expected in zip(samples, recorded):
        rows = torch.tensor(expected['pred_relevant_windows']).reshape(-1, 3)
        moments = sample.pred_moments
        assert len(moments.spans) == len(rows)
        largest = rows[:, :2].abs().max().item() if len(rows) else 0.0
        seconds = SPANS.scaled(largest).absolute + 5e-5
        close(moments.spans, rows[:, :2], Tolerance(absolute=seconds))
        close(moments.scores, rows[:, 2], Tolerance(absolute=LOGITS.absolute / 4))
        saliency = torch.tensor(expected['pred_saliency_scores'])
        rounding = saliency.abs().clamp(min=smallest) * 2**-10
        error = (sample.pred_saliency - saliency).abs()
        assert (error <= rounding + SALIENCY.absolute).all()
