# ActPrompt's tower of a pretext training without the consistency loss.
_base_ = './actprompt.py'
