"""Videos whose frames say their number, in every kind of file that players show.

:data:`FILMS` names them; :func:`make_film` makes one and tells what a player shows.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import av
import numpy as np

Times = Sequence[Fraction]
Size = Tuple[int, int]

_ROWS, _COLUMNS = 4, 8  # upper half: 16 bits of the number; lower half: their opposite
_SOUND_RATE = 48000
_GOP = 'keyint=24:min-keyint=24:scenecut=0:b-adapt=0'
_FAST = {'preset': 'veryfast', 'threads': '1'}
H264 = {**_FAST, 'x264-params': f'bframes=2:{_GOP}'}
OPEN_H264 = {**_FAST, 'x264-params': f'bframes=8:open-gop=1:{_GOP}'}
REFRESH = {**_FAST, 'x264-params': f'intra-refresh=1:bframes=0:ref=1:{_GOP}'}
OPEN_HEVC = {
    'preset': 'ultrafast',
    'x265-params': f'bframes=8:open-gop=1:{_GOP}:rc-lookahead=12'
    ':pools=none:frame-threads=1:log-level=none',
}
VP9 = {'cpu-used': '5', 'threads': '1', 'b': '300k', 'g': '24'}
AV1 = {'preset': '8', 'crf': '20', 'svtav1-params': 'lp=1:keyint=24'}
MPEG = {'bf': '2', 'g': '12', 'qmin': '2', 'qmax': '4', 'threads': '1'}


def draw_number(number: int, size: Size = (96, 128)) -> np.ndarray:
    """Draw a number in big black and white blocks: (H, W, 3) uint8."""
    bits = (number >> np.arange(16)) & 1
    blocks = np.concatenate([bits, 1 - bits]).reshape(_ROWS, _COLUMNS)
    rows = np.arange(size[0]) * _ROWS // size[0]
    columns = np.arange(size[1]) * _COLUMNS // size[1]
    image = (blocks[rows][:, columns] * 255).astype(np.uint8)
    return np.repeat(image[:, :, None], 3, axis=2)


def read_number(image: np.ndarray) -> int:
    """Read the number that :func:`draw_number` drew, at any size of the image."""
    height, width = image.shape[:2]
    blocks = np.empty((_ROWS, _COLUMNS))
    for row in range(_ROWS):
        line = image[_middle(row, _ROWS, height)]
        for column in range(_COLUMNS):
            blocks[row, column] = line[:, _middle(column, _COLUMNS, width)].mean()
    upper, lower = blocks.reshape(2, -1)
    if np.abs(upper - lower).min() < 100:
        raise AssertionError(f'the frame shows no number: {blocks.round().tolist()}')
    return int(((upper > lower) << np.arange(16)).sum())


def _middle(block: int, blocks: int, size: int) -> slice:
    """The middle half of a block."""
    start = int((block + 0.25) * size / blocks)
    return slice(start, max(int((block + 0.75) * size / blocks), start + 1))


def draw_grey(number: int, size: Size) -> np.ndarray:
    """Draw a number below 6 as a grey, for frames too small for blocks."""
    return np.full((*size, 3), 20 + 40 * number, np.uint8)


def read_grey(image: np.ndarray) -> int:
    """Read the number that :func:`draw_grey` drew."""
    return round((image.mean() - 20) / 40)


def draw_colours(number: int, size: Size) -> np.ndarray:
    """Draw a smooth picture of all hues that moves with the number."""
    y, x = np.mgrid[: size[0], : size[1]] / np.reshape(size, (2, 1, 1))
    waves = [np.sin(6 * x + number / 5), np.cos(5 * y), np.sin(4 * (x - y) + 2)]
    return (127.5 + 120 * np.stack(waves, axis=2)).astype(np.uint8)


def evenly(count: int, rate: Any = 25, start: Any = 0) -> List[Fraction]:
    """Times of frames at a constant rate."""
    return [Fraction(start) + i / Fraction(rate) for i in range(count)]


def write_video(
    path: str,
    times: Times,
    codec: str = 'libx264',
    *,
    rate: Any = 25,
    time_base: Optional[Fraction] = None,
    format: Optional[str] = None,
    options: Optional[Dict[str, str]] = None,
    muxing: Optional[Dict[str, str]] = None,
    size: Size = (96, 128),
    pix_fmt: str = 'yuv420p',
    draw: Callable[[int, Size], np.ndarray] = draw_number,
    sound: Optional[Tuple[str, float, float]] = None,
    cover: bool = False,
    prepare: Optional[Callable[[Any], None]] = None,
) -> str:
    """Encode numbered frames.

    Args:
        path (str): The file.
        times (list[Fraction]): When each frame is shown, seconds.
        codec (str): Name of the encoder.
        rate (Fraction | int): Frames a second that the file declares; the last frame is
            shown for as long.
        time_base (Fraction, optional): Unit of time stamps; default is ``1 / rate``.
        format (str, optional): Name of the muxer; default is by the path.
        options (dict, optional): Of the encoder.
        muxing (dict, optional): Options of the muxer.
        size (tuple): Height and width.
        pix_fmt (str): Pixel format.
        draw (Callable): Makes a frame of a number.
        sound (tuple, optional): Encoder, and when sound begins and ends, seconds.
        cover (bool): Whether the file has a cover picture too.
        prepare (Callable, optional): Changes the stream before anything is encoded.

    Returns:
        str: The path.
    """
    with av.open(path, 'w', format=format, options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        unit = time_base or 1 / Fraction(rate)
        stream.codec_context.time_base = unit
        if prepare is not None:
            prepare(stream)
        _write_rest(container, sound, cover)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(draw(number, size), format='rgb24')
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time / unit), unit
            after = times[number + 1] if number + 1 < len(times) else time + 1 / rate
            frame.duration = round(after / unit) - frame.pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: str, codec: str, cover: bool = False) -> str:
    """Write a second of sound, and a cover picture if there is to be one."""
    with av.open(path, 'w', format='mp3' if path.endswith('mp3') else 'mp4') as file:
        _write_rest(file, (codec, 0, 1), cover)
    return path


def _write_rest(
    container: Any, sound: Optional[Tuple[str, float, float]], cover: bool
) -> None:
    """Write all but the film itself."""
    if sound is not None:
        codec, start, end = sound
        tone = container.add_stream(codec, rate=_SOUND_RATE)
        tone.layout = 'mono'
    if cover:
        picture = container.add_stream('mjpeg', rate=25, width=64, height=48)
        picture.pix_fmt = 'yuvj420p'
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(draw_number(999, (48, 64)), format='rgb24')
        frame = frame.reformat(format='yuvj420p')
        frame.pts = 0
        container.mux(picture.encode(frame) + picture.encode())
    if sound is None:
        return
    container.start_encoding()
    count = tone.codec_context.frame_size or 1024
    for first in range(round(start * _SOUND_RATE), round(end * _SOUND_RATE), count):
        wave = np.sin(np.arange(first, first + count) / 20, dtype=np.float32) / 4
        block = av.AudioFrame.from_ndarray(wave[None], format='fltp', layout='mono')
        block.sample_rate, block.pts = _SOUND_RATE, first
        block.time_base = Fraction(1, _SOUND_RATE)
        container.mux(tone.encode(block))
    container.mux(tone.encode())


def copy_video(
    source: str,
    path: str,
    *,
    shift: Any = 0,
    first: int = 0,
    bitstream: str = 'null',
    time_base: Optional[Fraction] = None,
    format: Optional[str] = None,
    muxing: Optional[Dict[str, str]] = None,
) -> str:
    """Copy the packets of a video into another file, as ``ffmpeg -c copy`` does.

    Args:
        source (str): The video.
        path (str): The copy.
        shift (Fraction | float): By how much packets come later, seconds.
        first (int): Number of the first packet to copy.
        bitstream (str): Filter that changes packets.
        time_base (Fraction, optional): Unit of time stamps; default is the source's.
        format (str, optional): Name of the muxer; default is by the path.
        muxing (dict, optional): Options of the muxer.

    Returns:
        str: The copy's path.
    """
    with (
        av.open(source) as original,
        av.open(path, 'w', format=format, options=muxing or {}) as copy,
    ):
        stream = original.streams.video[0]
        copied = copy.add_stream_from_template(stream, opaque=True)
        copied.time_base = time_base or stream.time_base
        packets = [packet for packet in original.demux(stream) if packet.size]
        filters = av.bitstream.BitStreamFilterContext(bitstream, stream)
        for packet in packets[first:]:
            later = round(Fraction(shift) / packet.time_base)
            packet.pts, packet.dts = packet.pts + later, packet.dts + later
            for part in filters.filter(packet):
                part.stream = copied
                copy.mux(part)
    return path


@dataclass
class Film:
    """A file, and what a player shows of it.

    Args:
        path (str): The file, or folder of images.
        times (list[Fraction]): When each frame is shown, seconds from the player's
            zero.
        end (Fraction, optional): When the last one ends; default is 0.04 s later.
        numbers (list[int], optional): What they say; default is 0, 1, 2 ...
        within (float): By how much time stamps may differ, seconds.
        size (tuple): Height and width as shown.
        rotation (int): By how much frames are turned counterclockwise, degrees.
        read (Callable): Reads the number of a frame.
    """

    path: str
    times: Times
    end: Optional[Fraction] = None
    numbers: Optional[Sequence[int]] = None
    within: float = 1e-3
    size: Size = (96, 128)
    rotation: int = 0
    read: Callable[[np.ndarray], int] = read_number

    def __post_init__(self) -> None:
        if self.end is None:
            self.end = self.times[-1] + Fraction(1, 25)
        if self.numbers is None:
            self.numbers = range(len(self.times))


#: Functions that make a film in a folder.
FILMS: Dict[str, Callable[[Path], Film]] = {}


def make_film(name: str, folder: Path) -> Film:
    """Make the film of a name in a new folder."""
    folder = folder / name.replace(' ', '_')
    folder.mkdir()
    return FILMS[name](folder)


def _encoded(
    name: str,
    ending: str,
    times: Times,
    *args: Any,
    shown: Optional[Dict[str, Any]] = None,
    **kwargs: Any,
) -> None:
    """Add a film that is encoded: file name's ending, and arguments of write_video.

    ``shown`` has those fields of the film that are not as they were encoded.
    """
    fields = {'end': times[-1] + 1 / Fraction(kwargs.get('rate', 25)), 'times': times}
    if 'size' in kwargs:
        fields['size'] = kwargs['size']

    def make(folder: Path) -> Film:
        path = write_video(str(folder / f'film.{ending}'), times, *args, **kwargs)
        return Film(path, **{**fields, **(shown or {})})

    FILMS[name] = make


def _copied(
    name: str,
    ending: str,
    shown: Optional[Dict[str, Any]] = None,
    source: Optional[Dict[str, Any]] = None,
    **kwargs: Any,
) -> None:
    """Add a film that is a copy of a file: arguments of copy_video and of its source.

    The source is by default an MP4 file of 4 s, H.264 with B-frames.
    """

    def make(folder: Path) -> Film:
        original, copy = str(folder / 'source.mp4'), str(folder / f'film.{ending}')
        write_video(original, EVEN, **{'options': H264, **(source or {})})
        copy_video(original, copy, **kwargs)
        return Film(copy, **{'times': EVEN, **(shown or {})})

    FILMS[name] = make


EVEN = evenly(100)

# ---------------------------------------------------------------- times that are uneven
_BURSTS = [
    *range(10),
    *range(150, 166),
    *range(420, 450),
    *range(900, 960, 5),
    *(1200, 1201, 1500, 1790, 1795, 1796),
]
_SPARSE = [Fraction(tick, 30) for tick in _BURSTS]  # 59.9 s
for _ending in ('mp4', 'mkv'):
    _encoded(f'sparse h264 {_ending}', _ending, _SPARSE, rate=30, options=H264)
for _ending in ('mp4', 'mkv', 'webm'):
    _encoded(
        f'sparse vp9 {_ending}', _ending, _SPARSE, 'libvpx-vp9', rate=30, options=VP9
    )
_MILLI = Fraction(1, 1000)
_GAP = evenly(40) + evenly(40, start=Fraction(40, 25) + Fraction(33, 10))
for _ending in ('mp4', 'mkv', 'ts'):
    _encoded(f'gap {_ending}', _ending, _GAP, options=H264, time_base=_MILLI)
_GIF = [Fraction(hundredths, 100) for hundredths in (0, 10, 15, 80, 83, 200, 207, 300)]
_encoded('gif', 'gif', _GIF, 'gif', pix_fmt='gray', time_base=Fraction(1, 100))
_encoded(
    'apng',
    'apng',
    _GIF,
    'apng',
    pix_fmt='rgb24',
    time_base=Fraction(1, 100),
    shown={'end': Fraction(393, 100)},  # the last delay is that before it
)
_encoded(
    'sparse avi',
    'avi',
    _SPARSE,
    'mjpeg',
    rate=30,
    pix_fmt='yuvj420p',
    options={'qmax': '4'},
)

# -------------------------------------------------- sound that starts at another time
_PRIMING = {'ts': Fraction(481, _SOUND_RATE)}  # of mp2, before 0; elsewhere not played
for _ending, _codec in (
    ('mp4', 'aac'),
    ('mkv', 'pcm_s16le'),
    ('webm', 'libopus'),
    ('ts', 'mp2'),
):
    for _name, _start, _times in (
        ('late video', 0, evenly(60, start=Fraction(3, 2))),
        ('late sound', 1.5, evenly(100)),
    ):
        _before = _PRIMING.get(_ending, 0) if _start == 0 else 0
        _encoded(
            f'{_name} {_ending}',
            _ending,
            _times,
            'libvpx-vp9' if _ending == 'webm' else 'libx264',
            options=VP9 if _ending == 'webm' else H264,
            time_base=_MILLI,
            sound=(_codec, _start, 4),
            shown={
                'times': [time + _before for time in _times],
                'end': _times[-1] + _before + Fraction(1, 25),
            },
        )
_encoded('long sound mp4', 'mp4', EVEN, options=H264, sound=('aac', 0, 10))
_encoded('mkv aac', 'mkv', EVEN, options=H264, sound=('aac', 0, 4))
_encoded('cover mp4', 'mp4', EVEN, options=H264, sound=('aac', 0, 4), cover=True)

# ------------------------------------------------- cut at 2 s without encoding it anew
for _bframes in (0, 2, 8):
    _copied(
        f'edit list {_bframes} b-frames',
        'mp4',
        shift=-2,
        first=48,
        source={'options': {**_FAST, 'x264-params': f'bframes={_bframes}:{_GOP}'}},
        shown={'times': evenly(50), 'numbers': range(50, 100)},
    )
_copied(
    'edit list open gop',
    'mp4',
    shift=-2,
    first=43,
    source={'options': OPEN_H264},
    shown={'times': evenly(50), 'numbers': range(50, 100)},
)


def _edited(name: str, parts: List[Tuple[int, int]], shown: Dict[str, Any]) -> None:
    """Add an MP4 film that shows parts of a longer one: (frames, first frame)."""

    def make(folder: Path) -> Film:
        path = write_video(str(folder / 'film.mp4'), EVEN, options=H264)
        _set_edit_list(path, parts)
        return Film(path, **shown)

    FILMS[name] = make


def _set_edit_list(path: str, parts: List[Tuple[int, int]]) -> None:
    """Put another edit list in an MP4 file; a first frame of -1 is nothing."""
    data = bytearray(Path(path).read_bytes())
    start = data.rindex(b'moov')
    for box in (b'moov', b'trak', b'edts', b'elst'):
        size = data.index(box, start) - 4
        longer = int.from_bytes(data[size : size + 4], 'big') + 12 * (len(parts) - 1)
        data[size : size + 4] = longer.to_bytes(4, 'big')
    entries = len(parts).to_bytes(4, 'big')
    for frames, first in parts:  # 40 ms and 512 ticks a frame; the first is at 1024
        begin = 1024 + 512 * first if first >= 0 else -1
        entries += struct.pack('>IiI', 40 * frames, begin, 1 << 16)
    table = data.index(b'elst', start) + 8
    data[table : table + 16] = entries
    Path(path).write_bytes(data)


_edited(
    'edit list of two parts',
    [(24, 0), (30, 58)],
    {'times': evenly(54), 'numbers': [*range(24), *range(58, 88)]},
)
_edited(
    'edit list that repeats',
    [(24, 0), (24, 0)],
    {'times': evenly(48), 'numbers': [*range(24), *range(24)]},
)
_edited(
    'edit list that starts empty',
    [(10, -1), (24, 10)],
    {'times': evenly(24), 'numbers': range(10, 34)},
)

# ------------------------------------------- cut elsewhere, as recordings of television
_copied(
    'open gop cut h264 mkv',
    'mkv',
    first=43,
    source={'options': OPEN_H264},
    shown={'times': evenly(52), 'numbers': range(48, 100)},
)
for _ending in ('mkv', 'ts'):
    _copied(
        f'open gop cut hevc {_ending}',
        _ending,
        first=43,
        source={'codec': 'libx265', 'options': OPEN_HEVC},
        shown={'times': evenly(52), 'numbers': range(48, 100)},
    )
for _ending in ('ts', 'mpg'):
    _copied(
        f'open gop cut mpeg-2 {_ending}',
        _ending,
        first=10,
        format='vob' if _ending == 'mpg' else None,
        source={'codec': 'mpeg2video', 'options': MPEG},
        shown={'times': evenly(88), 'numbers': range(12, 100)},
    )
# the first packet is frame 12, and the first key frame is 24
for _ending in ('mkv', 'ts'):
    _copied(
        f'cut between key frames {_ending}',
        _ending,
        first=10,
        shown={'times': evenly(76, start='0.48'), 'numbers': range(24, 100)},
    )


def _join(folder: Path, ending: str, sizes: Sequence[Size]) -> Film:
    """Put files of 4 s one after the other."""
    parts = [
        write_video(str(folder / f'{number}.{ending}'), EVEN, options=H264, size=size)
        for number, size in enumerate(sizes)
    ]
    path = folder / f'film.{ending}'
    path.write_bytes(b''.join(Path(part).read_bytes() for part in parts))
    numbers = [*range(100)] * len(sizes)
    return Film(str(path), evenly(100 * len(sizes)), numbers=numbers)


FILMS['joined ts'] = partial(_join, ending='ts', sizes=[(96, 128)] * 2)
FILMS['joined raw h264'] = partial(_join, ending='h264', sizes=[(96, 128), (64, 160)])

# ----------------------------------------------------------------- kinds of containers
_encoded('mp4', 'mp4', EVEN, options=H264)
_encoded('mkv', 'mkv', EVEN, options=H264)
_encoded('mov', 'mov', EVEN, options=H264)
_encoded('m4v', 'm4v', EVEN, format='ipod', options=H264)
_encoded('3gp', '3gp', EVEN, options=H264)
_encoded(
    '3gp h263',
    '3gp',
    EVEN,
    'h263',
    size=(144, 176),
    options={'qmax': '4'},
    shown={'size': (144, 192)},  # its pixels are 12 to 11
)
_encoded('flv', 'flv', EVEN, 'flv', options={'qmax': '4'})
_encoded('flv h264', 'flv', EVEN, options=H264)
_encoded('wmv', 'wmv', EVEN, 'wmv2', options={'qmax': '4'})
_encoded('mpg mpeg-1', 'mpg', EVEN, 'mpeg1video', options=MPEG)
_encoded('mpg mpeg-2', 'mpg', EVEN, 'mpeg2video', format='vob', options=MPEG)
_encoded(
    'mpg mpeg-2 interlaced',
    'mpg',
    EVEN,
    'mpeg2video',
    format='vob',
    options={**MPEG, 'flags': '+ildct+ilme'},
)
_encoded(
    'mpg mpeg-2 sound',
    'mpg',
    EVEN,
    'mpeg2video',
    format='vob',
    options=MPEG,
    sound=('mp2', 0, 4),
    shown={
        'times': evenly(100, start=Fraction(481, _SOUND_RATE)),
        'end': 4 + Fraction(481, _SOUND_RATE),
    },
)
_encoded('ts mpeg-2', 'ts', EVEN, 'mpeg2video', options=MPEG)
_encoded('ts h264', 'ts', EVEN, options=H264)
_copied('ts copy', 'ts')
_encoded('raw h264', 'h264', EVEN, options=H264)
_encoded('raw hevc', 'hevc', EVEN, 'libx265', options=OPEN_HEVC)
_encoded('raw mpeg-2', 'm2v', EVEN, 'mpeg2video', options=MPEG)
_encoded('ivf', 'ivf', EVEN, 'libvpx-vp9', options=VP9)
_encoded('raw h264 30 fps', 'h264', evenly(100, 30), rate=30, options=H264)
_encoded('avi x264', 'avi', EVEN, options=H264)
_encoded('avi mpeg-4', 'avi', EVEN, 'mpeg4', options=MPEG)
_encoded('avi mjpeg', 'avi', EVEN, 'mjpeg', pix_fmt='yuvj420p', options={'qmax': '4'})
_copied('avi copy', 'avi', bitstream='h264_mp4toannexb', time_base=Fraction(1, 25))
# ffmpeg counts fields: every second frame of the AVI file is empty
_copied(
    'avi copy fields', 'avi', bitstream='h264_mp4toannexb', time_base=Fraction(1, 50)
)
_copied('fragmented mp4', 'mp4', muxing={'movflags': 'frag_keyframe+empty_moov'})
for _ending in ('mp4', 'webm'):
    _encoded(f'av1 {_ending}', _ending, EVEN, 'libsvtav1', options=AV1)
_encoded('live webm', 'webm', EVEN, 'libvpx-vp9', options=VP9, muxing={'live': '1'})
for _ending in ('mp4', 'mkv', 'ts'):
    _encoded(f'intra refresh {_ending}', _ending, EVEN, options=REFRESH)
    _encoded(f'open gop h264 {_ending}', _ending, EVEN, options=OPEN_H264)
    _encoded(f'open gop hevc {_ending}', _ending, EVEN, 'libx265', options=OPEN_HEVC)

# ----------------------------------------------------------- times that start elsewhere
_copied('ts wrap', 'ts', muxing={'output_ts_offset': str(2**33 / 90000 - 2.2)})
for _ending in ('mp4', 'mkv'):
    _copied(f'starts at 5 s {_ending}', _ending, muxing={'output_ts_offset': '5'})
_copied('starts at 1.4 s ts', 'ts', muxing={'output_ts_offset': '1.4'})

# ------------------------------------------------------------------------- frame rates
_NTSC = Fraction(30000, 1001)
for _ending in ('mp4', 'mkv'):
    _encoded(f'60 fps {_ending}', _ending, evenly(100, 60), rate=60, options=H264)
    _encoded(f'ntsc {_ending}', _ending, evenly(100, _NTSC), rate=_NTSC, options=H264)
_encoded('2 fps mp4', 'mp4', evenly(9, 2), rate=2, options=H264)
for _ending in ('mp4', 'mkv', 'ts', 'avi', 'h264'):
    _encoded(f'one frame {_ending}', _ending, evenly(1), options=H264)

# ---------------------------------------------------------------------- shape of frames
_FEW = evenly(6)
for _ending, _codec, _pix_fmt, _sizes in (
    ('mkv', 'ffv1', 'bgr0', ((5, 3), (1, 1))),
    ('webm', 'libvpx-vp9', 'yuv420p', ((5, 3), (1, 1))),
    ('avi', 'mjpeg', 'yuvj444p', ((5, 3),)),
    ('gif', 'gif', 'gray', ((5, 3), (1, 1))),
):
    for _size in _sizes:
        _encoded(
            f'{_size[1]}x{_size[0]} {_ending}',
            _ending,
            _FEW,
            _codec,
            pix_fmt=_pix_fmt,
            size=_size,
            draw=draw_grey,
            time_base=Fraction(1, 100) if _ending == 'gif' else None,
            shown={'read': read_grey},
        )
for _size in ((4000, 16), (16, 4000)):
    _encoded(f'{_size[1]}x{_size[0]}', 'mp4', _FEW, size=_size, options=H264)
_encoded('odd size', 'webm', EVEN, 'libvpx-vp9', size=(95, 127), options=VP9)


def _turned(number: int, size: Size, turns: int) -> np.ndarray:
    """Draw a number that stands upright after quarter turns counterclockwise."""
    shown = size if turns % 2 == 0 else size[::-1]
    return np.ascontiguousarray(np.rot90(draw_number(number, shown), -turns))


def _turn(stream: Any, turns: int, aspect: int = 1) -> None:
    stream.codec_context.sample_aspect_ratio = Fraction(aspect)
    stream.set_display_rotation(90 * turns)


for _turns, _aspect, _size in (
    (1, 1, (128, 96)),
    (2, 1, (96, 128)),
    (3, 1, (128, 96)),
    (0, 2, (96, 256)),
    (1, 2, (256, 96)),
):
    _encoded(
        f'turned by {90 * _turns} pixels {_aspect} to 1',
        'mp4',
        EVEN,
        options=H264,
        draw=partial(_turned, turns=_turns),
        prepare=partial(_turn, turns=_turns, aspect=_aspect),
        shown={'size': _size, 'rotation': 90 * _turns},
    )


# ------------------------------------------------------------------------------ colours


def _tag(stream: Any, standard: Tuple[int, int, int, int]) -> None:
    """Say which colours the frames have: range, primaries, transfer, matrix."""
    context = stream.codec_context
    context.color_range, context.color_primaries = standard[:2]
    context.color_trc, context.colorspace = standard[2:]


_BT601, _BT709, _BT709_FULL = (1, 6, 6, 6), (1, 1, 1, 1), (2, 1, 1, 1)
_HDR = (1, 9, 16, 9)  # BT.2020, PQ
_HEVC = {'preset': 'ultrafast', 'x265-params': 'pools=none:log-level=none'}
#: Ending, encoder, its options, pixel format and standard of films in colour.
COLOURS: Dict[str, Tuple[str, str, dict, str, Optional[Tuple[int, ...]]]] = {
    'untagged': ('mp4', 'libx264', H264, 'yuv420p', None),
    'bt601': ('mp4', 'libx264', H264, 'yuv420p', _BT601),
    'bt709': ('mp4', 'libx264', H264, 'yuv420p', _BT709),
    'full range': ('mp4', 'libx264', H264, 'yuvj420p', None),
    'full range bt709': ('mp4', 'libx264', H264, 'yuvj420p', _BT709_FULL),
    '4:2:2': ('mp4', 'libx264', H264, 'yuv422p', None),
    '4:4:4': ('mp4', 'libx264', H264, 'yuv444p', None),
    '10 bit h264': ('mp4', 'libx264', H264, 'yuv420p10le', None),
    '10 bit h264 4:4:4': ('mp4', 'libx264', H264, 'yuv444p10le', _BT709),
    '10 bit hevc': ('mp4', 'libx265', _HEVC, 'yuv420p10le', None),
    'hdr': ('mp4', 'libx265', _HEVC, 'yuv420p10le', _HDR),
    'bt2020 vp9': ('webm', 'libvpx-vp9', VP9, 'yuv420p', _HDR),
    'mpeg-2': ('mpg', 'mpeg2video', MPEG, 'yuv420p', None),
    'rgb': ('mkv', 'ffv1', {}, 'bgr0', None),
    '10 bit rgb': ('mkv', 'ffv1', {}, 'gbrp10le', None),
    'grey': ('mkv', 'ffv1', {}, 'gray', None),
    'gif': ('gif', 'gif', {}, 'rgb8', None),
}


def write_colours(name: str, folder: Path, size: Size = (96, 128)) -> str:
    """Write a short film of one of :data:`COLOURS`."""
    ending, codec, options, pix_fmt, standard = COLOURS[name]
    return write_video(
        str(folder / f'film.{ending}'),
        evenly(3),
        codec,
        options=options,
        pix_fmt=pix_fmt,
        size=size,
        draw=draw_colours,
        time_base=Fraction(1, 100) if ending == 'gif' else None,
        prepare=standard and partial(_tag, standard=standard),
    )
