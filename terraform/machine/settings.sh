#!/bin/bash
# Settings from the parameter store to /run/lakehouse, for systemd; as root, before each start of the flow.
# Exit code 1: something has no value yet (first-run.sh puts them in), the start is skipped; 255: the store failed.
set -uo pipefail
answer=$(aws ssm get-parameters-by-path --region "$AWS_REGION" --path "$PARAMETERS" --recursive --with-decryption \
    --output json) || exit 255
exec /usr/bin/python3 /usr/local/lib/lakehouse/settings.py "$PARAMETERS" /run/lakehouse <<<"$answer"
