"""Opening of video files with PyAV, and their video stream."""

from typing import Any

import av

from .errors import BadSampleError

#: What PyAV raises for files that it cannot read.
DECODER_ERRORS = (av.FFmpegError, IndexError, ValueError, OverflowError)
#: Seconds that one read may take; some damaged headers would take minutes.
_TIMEOUT = 60.0
#: Containers only: no playlist, which would open other files or addresses.
_FORMATS = (
    'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,asf,flv,gif,'
    'apng,ogg,h264,hevc,av1,obu,ivf,mjpeg,vc1,rm,mxf,dv,nut,wtv,h263,h261,mp3,aac,wav,'
    'flac'
)


def open_container(path: str, name: str) -> av.container.InputContainer:
    """Open a video file.

    Raises:
        BadSampleError: If it is no video file.
    """
    options = dict(protocol_whitelist='file', format_whitelist=_FORMATS)
    target: Any
    try:
        path.encode()
        target = f'file:{path}'  # or names such as "concat:a" would be commands
    except UnicodeEncodeError:
        target = open(path, 'rb')  # noqa: SIM115 closed with the container
    try:
        return av.open(
            target, options=options, metadata_errors='ignore', timeout=_TIMEOUT
        )
    except DECODER_ERRORS as error:
        raise BadSampleError(
            f'{name} cannot be opened ({first_line(error)}); it is truncated or no '
            'video: download it again, or re-encode it with ffmpeg'
        ) from error


def video_stream(
    container: av.container.InputContainer, name: str
) -> av.video.stream.VideoStream:
    """Return the video stream that a player shows.

    Raises:
        BadSampleError: If there is none, or nothing here decodes it.
    """
    stream: Any = container.streams.best('video')
    cover = av.stream.Disposition.attached_pic
    if stream is None or stream.disposition & cover:
        others = ' and '.join(sorted({s.type for s in container.streams}))
        raise BadSampleError(
            f'{name} has no video, only {others or "nothing"}: leave it out'
        )
    if stream.codec_context is None:
        codec = getattr(stream, 'codec_tag', None) or 'unknown'
        raise BadSampleError(
            f'{name} needs a decoder that FFmpeg does not have here (codec {codec}): '
            're-encode it, '
            'for example with `ffmpeg -i FILE -c:v libx264 OUT.mp4`'
        )
    return stream


def codec_of(stream: av.video.stream.VideoStream) -> str:
    """Return the name of a stream's codec, such as ``av1``, whatever decodes it."""
    codec = stream.codec_context.codec
    return getattr(codec, 'canonical_name', None) or codec.name


def first_line(error: Exception) -> str:
    """Return the first line of an error message, at most 160 characters."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]
