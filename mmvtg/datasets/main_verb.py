"""Which word of a query is its main verb (ActPrompt)."""

from typing import Any, NamedTuple, Optional, Tuple

Span = Tuple[int, int]
#: Verbs of beginning and ending: what begins or ends is said by their complement.
ASPECTUAL = frozenset(
    ('begin', 'start', 'continue', 'stop', 'try')
    + ('decide', 'proceed', 'finish', 'keep', 'attempt')
)


class MainVerb(NamedTuple):
    """Where the main verb stands in the cleaned sentence, characters [start, end).

    Args:
        verb (tuple, optional): None if the sentence is empty.
        action (tuple, optional): Its complement where the verb is aspectual ("starts
            undressing" -> undressing), else the same.
        step (int): Which step of the rule found it, 5 for an empty sentence.
    """

    verb: Optional[Span]
    action: Optional[Span]
    step: int


def find_main_verb(doc: Any) -> MainVerb:
    """The main verb of a parsed sentence.

    1. The root, if it is a verb; else 2. of all verbs the one nearest to the root in
    the tree, the leftmost of several; else 3. if the root is an auxiliary, its
    adjective or attribute ("is undressing", read as an adjective); else 4. the root,
    whatever it is. An empty sentence has none (5). The authors do not say; the rule is
    ours.

    Args:
        doc (spacy.tokens.Doc): With tags, lemmas and a dependency parse.
    """
    if not len(doc):
        return MainVerb(None, None, 5)
    token, step = _main_token(doc)
    return MainVerb(_span(token), _span(_action(token)), step)


def _main_token(doc: Any) -> Tuple[Any, int]:
    root = next((token for token in doc if token.head.i == token.i), doc[0])
    if root.pos_ == 'VERB':
        return root, 1
    verbs = [token for token in doc if token.pos_ == 'VERB']
    if verbs:
        return min(verbs, key=lambda verb: (_steps_to(root, verb), verb.i)), 2
    if root.pos_ == 'AUX':
        for child in root.children:
            if child.dep_ in ('acomp', 'attr'):
                return child, 3
    return root, 4


def _steps_to(root: Any, token: Any) -> float:
    """Edges from a token up to the root; a token of another sentence is far away."""
    steps = 0
    while token.head.i != token.i:
        token, steps = token.head, steps + 1
    return steps if token.i == root.i else float('inf')


def _action(verb: Any) -> Any:
    if verb.pos_ == 'VERB' and verb.lemma_.lower() in ASPECTUAL:
        for child in verb.children:
            if child.dep_ == 'xcomp' and child.pos_ == 'VERB':
                return child
    return verb


def _span(token: Any) -> Span:
    return token.idx, token.idx + len(token.text)
