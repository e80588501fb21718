"""Logs and messages without secrets and user names."""

import logging
import os

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmvtg.utils.download import DownloadError, fetch
from mmvtg.utils.redaction import redact


@pytest.mark.parametrize(
    'text, shown',
    [
        ('https://me:pw@host/x.pth', 'https://***@host/x.pth'),
        ('https://h/x?a=1&token=abc&b=2', 'https://h/x?a=1&token=***&b=2'),
        ('https://h/x?X-Amz-Signature=0f', 'https://h/x?X-Amz-Signature=***'),
        ("dict(api_key='abc', project='p')", "dict(api_key='***', project='p')"),
        ('{"wandb_token": "a\\"b", "n": 1}', '{"wandb_token": "***", "n": 1}'),
        ('secret_access_key = "x"', 'secret_access_key = "***"'),
        ("tokenizer='words', max_tokens=3", "tokenizer='words', max_tokens=3"),
        ('/home/ann/runs/a.pth', '~/runs/a.pth'),
        ("root='/home/ann'", "root='~'"),
        ('/home/anna/x /data/home/ann/x', '/home/anna/x /data/home/ann/x'),
        ('loss: 1.5  time: 0.1', 'loss: 1.5  time: 0.1'),
    ],
)
def test_text(text, shown, monkeypatch):
    monkeypatch.setenv('HOME', '/home/ann')
    assert redact(text) == shown


def test_the_root_folder_is_no_home(monkeypatch):
    monkeypatch.setenv('HOME', '/')
    assert redact('/data/x') == '/data/x'


class Model(BaseModel):
    def forward(self, mode='tensor'):
        return {}


def test_the_log_of_a_run_has_no_secret_environment_or_user(tmp_path, monkeypatch):
    home = tmp_path / 'ann'
    monkeypatch.setenv('HOME', str(home))
    monkeypatch.setenv('LONELY_VARIABLE', 'its value')
    config = dict(
        data_root=f'{home}/data',
        backend_args=dict(backend='petrel', access_key='k3y', url='http://u:pw@h/x'),
        experiment_name='redacted',
    )
    runner = Runner(
        Model(),
        str(home / 'run'),
        default_scope='mmvtg',
        cfg=Config(config),
        experiment_name='redacted',
    )
    runner.logger.warning(f'see {home}/data')
    for handler in runner.logger.handlers:
        handler.flush()
    (log,) = home.rglob('*.log')
    text = log.read_text()
    assert "data_root = '~/data'" in text and 'see ~/data' in text
    for secret in ('k3y', 'u:pw', str(home), 'LONELY_VARIABLE', 'its value'):
        assert secret not in text, secret
    assert 'PyTorch' in text  # versions are no secret


def test_every_logger_of_mmengine(capsys, monkeypatch):
    monkeypatch.setenv('HOME', '/home/ann')
    logger = MMLogger.get_instance(f'redacted-{os.getpid()}')
    logger.log(logging.WARNING, "token='abc' of /home/ann/x")
    shown = ''.join(capsys.readouterr())
    assert 'abc' not in shown and '/home/ann' not in shown


def test_a_download_that_fails_does_not_show_its_credentials(tmp_path):
    url = 'http://me:pw@127.0.0.1:9/x.pth?token=abc'
    with pytest.raises(DownloadError) as info:
        fetch([url], str(tmp_path / 'x.pth'), progress=False, attempts=1)
    assert 'pw' not in str(info.value) and 'abc' not in str(info.value)
    assert '127.0.0.1:9/x.pth' in str(info.value)
