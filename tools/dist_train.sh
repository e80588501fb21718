#!/usr/bin/env bash
# Several processes on one or many machines: tools/dist_train.sh CONFIG NUM_PROCESSES [train.py options]
# On many, set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: $0 CONFIG NUM_PROCESSES [train.py options]" >&2
  exit 2
fi
CONFIG=$1
NUM_PROCESSES=$2
HERE=$(cd "$(dirname "$0")" && pwd)

PYTHONPATH="$HERE/..:${PYTHONPATH:-}" torchrun \
  --nnodes="${NNODES:-1}" \
  --node_rank="${NODE_RANK:-0}" \
  --nproc_per_node="$NUM_PROCESSES" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" \
  --master_port="${PORT:-29500}" \
  "$HERE/train.py" "$CONFIG" --launcher pytorch "${@:3}"
