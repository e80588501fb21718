"""Removal of secrets and of the home folder from text that others may read."""

import os.path as osp
import re

_HIDDEN = '***'
_SECRET = r'(?:api_?key|access_?key(?:_id)?|token|secret|passwd|password|credentials?)'
_RULES = [
    # https://user:password@host
    (re.compile(r'(\w+://)[^/\s@\'"]+@'), rf'\1{_HIDDEN}@'),
    # ?token=..., &X-Amz-Signature=...
    (
        re.compile(
            rf'([?&][\w.-]*(?:{_SECRET}|signature|sig|key)=)[^&\s\'"<>]+', re.IGNORECASE
        ),
        rf'\1{_HIDDEN}',
    ),
    # api_key='...' of configs, "token": "..." of JSON
    (
        re.compile(
            rf'(\b[\w-]*{_SECRET}[\'"]?\s*[=:]\s*)([\'"])(?:(?!\2)[^\\\n]|\\.)+\2',
            re.IGNORECASE,
        ),
        rf'\1\2{_HIDDEN}\2',
    ),
]


def redact(text: str) -> str:
    """Return a text without passwords, keys, and the name of the home folder.

    Hidden are credentials and signatures in URLs, and the values of fields whose names
    end in ``token``, ``api_key``, ``password`` and the like. The home folder, which
    often has the name of the user, becomes ``~``.
    """
    for pattern, target in _RULES:
        text = pattern.sub(target, text)
    home = osp.expanduser('~')
    if len(home) > 1:
        text = re.sub(rf'(?<![\w.~/-]){re.escape(home)}(?![\w.-])', '~', text)
    return text
