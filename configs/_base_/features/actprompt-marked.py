# ActPrompt's tower of a pretext training on marked queries.
_base_ = './actprompt.py'
