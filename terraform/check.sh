#!/bin/bash
# Everything that can be checked without an account: form, references and types, the promises in tests/, and checkov
# where it is installed (pipx install checkov). Needs terraform 1.11 and the internet, once, for the AWS provider.
set -euo pipefail
cd "$(dirname "$0")"
TF_DATA_DIR=$(mktemp -d)
export TF_DATA_DIR
trap 'rm -rf "$TF_DATA_DIR"' EXIT
terraform fmt -check -diff -recursive
terraform init -backend=false -input=false >/dev/null
terraform validate
terraform test
if command -v checkov >/dev/null; then
    checkov --directory . --config-file .checkov.yaml
else
    echo "checkov is not installed: its checks did not run" >&2
fi
