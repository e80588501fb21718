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
import sys
from typing import Any, List, Optional

try:
    import gradio as gr
except ImportError:
    sys.exit("error: the web demo needs gradio: pip install -e '.[web]'")

from answering import Answer, Models, Trouble, ask, check_video, find_videos, time_at

from mmvtg.utils import register_all_modules

HEADER = ['rank', 'from', 'to', 'score']
NOBODY = 'nobody'


def build(
    models: Models,
    max_seconds: float,
    videos: Optional[dict] = None,
    top_k: int = 5,
    keep_minutes: int = 60,
) -> gr.Blocks:
    """The page.

    Args:
        models (Models): At least one.
        max_seconds (float): Longest video that is taken.
        videos (dict, optional): Name -> path of videos to choose from.
        top_k (int): Moments to show.
        keep_minutes (int): How long uploads and pictures stay.
    """
    videos = videos or {}

    def answer(video: Optional[str], query: str, name: str, other: str) -> list:
        asked = [name] if other in (None, NOBODY) else [name, other]
        try:
            check_video(video, max_seconds)
            found = [ask(models[model], video, query, top_k) for model in asked]
        except Trouble as trouble:
            raise gr.Error(str(trouble)) from trouble
        shown = [value for pair in zip(asked, found) for value in show(*pair)]
        nothing = [None, *[gr.update(visible=False)] * 3]
        return shown if len(asked) == 2 else shown + nothing

    def show(name: str, given: Answer) -> list:
        note = f'**{name}** {given.note} Click on the timeline or on a row to jump.'
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
                    choice = gr.Dropdown(
                        [*videos], value=None, label='A video from here'
                    )
                label = 'or upload one' if videos else 'Video'
                player = gr.Video(label=label, sources=['upload'])
            with gr.Column(scale=1):
                query = gr.Textbox(
                    label='What happens?',
                    placeholder='a man opens a door',
                    max_length=500,
                )
                name = gr.Dropdown(models.names, value=models.names[0], label='Model')
                other = gr.Dropdown(
                    [NOBODY, *models.names],
                    value=NOBODY,
                    label='Compare with',
                    visible=len(models.names) > 1,
                )
                button = gr.Button('Ask', variant='primary')
        outputs, parts = [], []
        for _ in range(2):
            kept = gr.State(None)
            note = gr.Markdown(visible=False)
            picture = gr.Image(
                show_label=False, interactive=False, visible=False, buttons=[]
            )
            table = gr.Dataframe(
                headers=HEADER, interactive=False, visible=False, show_label=False
            )
            outputs += [kept, note, picture, table]
            parts.append((kept, picture, table))
        if videos:
            choice.change(videos.get, choice, player, api_visibility='private')
        inputs = [player, query, name, other]
        for event in (button.click, query.submit):
            event(answer, inputs, outputs, concurrency_limit=1)
        for kept, picture, table in parts:
            picture.select(seek_picture, kept, player)
            table.select(seek_row, kept, player)
    return page


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
    args = parser.parse_args(argv)
    if any(len(model) > 2 for model in args.model):
        parser.error('--model takes a config or name, and at most one checkpoint')
    return args


def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    register_all_modules()
    try:
        models = Models([(*model, None)[:2] for model in args.model], args.device)
        videos = find_videos(args.videos)
        models[models.names[0]]  # a mistake in it is better known now
    except (OSError, Trouble) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    seconds = 60 * args.max_minutes
    page = build(models, seconds, videos, args.top_k, args.keep_minutes)
    page.launch(
        server_name=args.host,
        server_port=args.port,
        max_file_size=f'{args.max_mb}mb',
        allowed_paths=[args.videos] if args.videos else None,
        share=False,
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
