# ActPrompt's tower of a pretext training without the contrast loss.
_base_ = './actprompt.py'
