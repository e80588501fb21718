"""A page to ask videos: ``python demo/web/app.py --model CONFIG_OR_NAME [WEIGHTS]``.

    pip install -e '.[web]'
    python demo/web/app.py --model A.py a.pth --model B.py b.pth --videos my_videos/

Choose or upload a video, type what happens in it, and see the best moments on a
timeline over thumbnails, with the saliency curve. A click on the timeline or a moment
moves the player there. With two models a second one can be asked beside the first. The
page is for this machine alone (127.0.0.1) unless --host says otherwise; it has no
accounts, so put it behind something that has before you open it to others. Uploads and
pictures are deleted after --keep-minutes.
"""

import argparse
import html
import sys
from typing import Any, Iterator, List, Optional

try:
    import gradio as gr
except ImportError:
    sys.exit("error: the web demo needs gradio: pip install -e '.[web]'")

from answering import (
    MAX_QUERY,
    Answer,
    Trouble,
    check_query,
    check_video,
    find_videos,
    time_at,
)
from workers import Workers

HEADER = ['rank', 'from', 'to', 'score']
NO_OTHER = 'no other model'
ASK, BUSY = 'Ask', 'Watching the video …'
_WAITING = 32  # requests; further ones are refused
#: Buttons for new rows and columns, which gradio shows on cells that cannot be edited.
CSS = '.selection-button {display: none !important}'


def build(
    workers: Workers,
    max_seconds: float,
    videos: Optional[dict] = None,
    keep_minutes: int = 60,
) -> gr.Blocks:
    """The page.

    Args:
        workers (Workers): Processes with at least one model.
        max_seconds (float): Longest video that is taken.
        videos (dict, optional): Name -> path of videos to choose from.
        keep_minutes (int): How long uploads and pictures stay.
    """
    videos = videos or {}

    def answer(video: Optional[str], query: str, name: str, other: str) -> Iterator:
        asked = [name] if other in (None, NO_OTHER) else [name, other]
        nothing = [None, *[gr.update(visible=False)] * 3] * 2
        ready = gr.update(value=ASK, interactive=True)
        shown: list = []
        # who waits must see it: the outputs are hidden until there is an answer
        yield [gr.update(value=BUSY, interactive=False), *[gr.skip()] * len(nothing)]
        try:
            check_query(query)
            check_video(video, max_seconds)
            for model in asked:
                shown += show(model, workers.ask(model, video, query))
                yield [gr.skip(), *shown, *nothing[len(shown) :]]
        except Exception as error:
            yield [ready, *[gr.skip()] * len(nothing)]
            if isinstance(error, Trouble):
                # Gradio shows the text as HTML.
                text = html.escape(str(error))
                raise gr.Error(text, print_exception=False) from error
            raise
        yield [ready, *[gr.skip()] * len(nothing)]

    def show(name: str, given: Answer) -> list:
        title, text = html.escape(name), html.escape(given.note)
        note = f'**{title}** {text} Click on the timeline or on a row to jump.'
        return [
            given,
            gr.update(value=note, visible=True),
            gr.update(value=given.picture, visible=True),
            gr.update(value=given.rows, visible=bool(given.rows)),
        ]

    def seek_picture(given: Optional[Answer], event: gr.SelectData) -> Any:
        seconds = None if given is None else time_at(event.index[0], given)
        return gr.skip() if seconds is None else gr.update(playback_position=seconds)

    def seek_row(given: Optional[Answer], event: gr.SelectData) -> Any:
        if given is None or event.index[0] >= len(given.starts):
            return gr.skip()
        return gr.update(playback_position=max(given.starts[event.index[0]], 0.0))

    keep = 60 * keep_minutes
    with gr.Blocks(
        title='mmvtg', analytics_enabled=False, delete_cache=(min(keep, 600), keep)
    ) as page:
        gr.Markdown('# When does it happen?')
        with gr.Row():
            with gr.Column(scale=1):
                if videos:
                    choice = gr.Dropdown([*videos], value=None, label='Choose a video')
                label = 'or upload one' if videos else 'Video'
                player = gr.Video(label=label, sources=['upload'])
            with gr.Column(scale=1):
                query = gr.Textbox(
                    label='What happens?',
                    placeholder='a man opens a door',
                    max_length=MAX_QUERY,
                )
                name = gr.Dropdown(workers.names, value=workers.names[0], label='Model')
                other = gr.Dropdown(
                    [NO_OTHER, *workers.names],
                    value=NO_OTHER,
                    label='Compare with',
                    visible=len(workers.names) > 1,
                )
                button = gr.Button(ASK, variant='primary')
        outputs, parts = [], []
        for _ in range(2):
            kept = gr.State(None)
            note = gr.Markdown(visible=False)
            picture = gr.Image(
                show_label=False, interactive=False, visible=False, buttons=[]
            )
            table = gr.Dataframe(
                headers=HEADER,
                interactive=False,
                visible=False,
                show_label=False,
                buttons=[],
            )
            outputs += [kept, note, picture, table]
            parts.append((kept, picture, table))
        if videos:
            choice.change(videos.get, choice, player, api_visibility='private')
        gr.on(
            [button.click, query.submit],
            answer,
            [player, query, name, other],
            [button, *outputs],
            concurrency_limit=workers.count,
        )
        for kept, picture, table in parts:
            picture.select(seek_picture, kept, player)
            table.select(seek_row, kept, player)
    return page.queue(max_size=_WAITING)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--model',
        nargs='+',
        action='append',
        required=True,
        metavar=('CONFIG_OR_NAME', 'WEIGHTS'),
        help='may be given twice and more; without weights those of the model zoo',
    )
    parser.add_argument('--videos', help='folder of videos to choose from')
    parser.add_argument('--host', default='127.0.0.1', help='(%(default)s)')
    parser.add_argument('--port', type=int, default=7860, help='(%(default)s)')
    parser.add_argument('--device', help='default: an accelerator if there is one')
    parser.add_argument('--top-k', type=int, default=5, help='moments (%(default)s)')
    parser.add_argument('--max-mb', type=int, default=200, help='upload (%(default)s)')
    parser.add_argument(
        '--max-minutes', type=float, default=30, help='of a video (%(default)s)'
    )
    parser.add_argument(
        '--keep-minutes', type=int, default=60, help='uploads stay (%(default)s)'
    )
    parser.add_argument(
        '--deadline', type=float, default=120, help='seconds a question (%(default)s)'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        help='questions at a time, each in a process with its own models (%(default)s)',
    )
    args = parser.parse_args(argv)
    if args.workers < 1 or not args.deadline > 0:
        parser.error('--workers and --deadline must be positive')
    if any(len(model) > 2 for model in args.model):
        parser.error('--model takes a config or name, and at most one checkpoint')
    return args


def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    sources = [(*model, None)[:2] for model in args.model]
    workers = Workers(sources, args.device, args.workers, args.deadline, args.top_k)
    try:
        videos = find_videos(args.videos)
        workers.load(workers.names[0])  # a mistake in it is better known now
    except (OSError, Trouble) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    page = build(workers, 60 * args.max_minutes, videos, args.keep_minutes)
    try:
        _, url, _ = page.launch(
            server_name=args.host,
            server_port=args.port,
            max_file_size=f'{args.max_mb}mb',
            allowed_paths=[*videos.values()],  # no other file of the folder
            share=False,
            css=CSS,
            footer_links=['gradio', 'settings'],
            prevent_thread_lock=True,
            quiet=True,
        )
        print(f'open {url} in a browser; Ctrl+C ends the demo', flush=True)
        page.block_thread()
    except OSError as error:
        print(f'error: {error} Take another one with --port', file=sys.stderr)
        return 1
    finally:
        workers.stop()
    return 0


if __name__ == '__main__':
    sys.exit(main())
