"""The error that names a bad video or another bad sample."""


class BadSampleError(ValueError):
    """One sample cannot be used; the message names it, the reason and the remedy.

    While training the data set reports it and takes another sample; in validation and
    test it ends the run, because a score over fewer samples would be wrong.
    """
