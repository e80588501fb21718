# ActPrompt's tower of a pretext training without the ranking loss.
_base_ = './actprompt.py'
