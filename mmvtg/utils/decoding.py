"""What the video decoder raises."""

from decord._ffi.base import DECORDError

#: DECORDError is no RuntimeError; opening raises the one, decoding the other.
DECODER_ERRORS = (DECORDError, RuntimeError, IndexError)
