# Sourced by the scripts beside it: the facts of the installation whose state this folder holds, as variables
# machine name parameters region warehouse_host warehouse_name warehouse_secret.
# shellcheck shell=bash
facts=$(terraform output -json operator) || {
    echo "There is no installation in this folder's state: run terraform init and terraform apply first." >&2
    exit 2
}
eval "$(python3 -c '
import json, shlex, sys
for name, value in json.loads(sys.argv[1]).items():
    print(f"{name}={shlex.quote(value)}")' "$facts")"
