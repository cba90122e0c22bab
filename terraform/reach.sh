#!/bin/bash
# Reach what no port leads to, through Session Manager and your own AWS login.
# Needs terraform, the AWS CLI and its session-manager-plugin.
#
#   reach.sh shell        a shell on the machine
#   reach.sh metabase     http://127.0.0.1:3000 until you press Ctrl-C
#   reach.sh warehouse    Postgres on 127.0.0.1:15432 until you press Ctrl-C
# shellcheck disable=SC2154
set -euo pipefail
cd "$(dirname "$0")"
usage() {
    sed -n '5,7s/^#   //p' "$0" >&2
    exit 2
}
[[ $# -eq 1 ]] || usage
source ./facts.sh
session=(aws ssm start-session --region "$region" --target "$machine")

case $1 in
shell)
    exec "${session[@]}"
    ;;
metabase)
    exec "${session[@]}" --document-name AWS-StartPortForwardingSession \
        --parameters portNumber=3000,localPortNumber=3000
    ;;
warehouse)
    exec "${session[@]}" --document-name AWS-StartPortForwardingSessionToRemoteHost \
        --parameters "host=$warehouse_host,portNumber=5432,localPortNumber=15432"
    ;;
*)
    usage
    ;;
esac
