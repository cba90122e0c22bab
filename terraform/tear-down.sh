#!/bin/bash
# Deletes one environment and everything that it ever held, then lists what is left of it: nothing, if all went well.
# Needs terraform and the AWS CLI. Takes Terraform's own arguments: tear-down.sh -var-file=prod.tfvars
# shellcheck disable=SC2154
set -euo pipefail
cd "$(dirname "$0")"
source ./facts.sh

read -r -p "This deletes $name with its lake, its database and all backups. Type its name to go on: " answer
[[ $answer == "$name" ]] || {
    echo "Nothing was deleted." >&2
    exit 1
}

terraform apply -auto-approve "$@" -var keep_data=false
terraform destroy -auto-approve "$@" -var keep_data=false

# the disk's snapshots, daily ones and the last one, outlive the disk and their policy
aws ec2 describe-snapshots --region "$region" --owner-ids self --filters "Name=tag:snapshots,Values=$name" \
    --query 'Snapshots[].[SnapshotId]' --output text |
    while read -r snapshot; do
        aws ec2 delete-snapshot --region "$region" --snapshot-id "$snapshot"
    done

echo "Left of $name (AWS may still list things for some hours after they are gone):"
aws resourcegroupstaggingapi get-resources --region "$region" \
    --tag-filters Key=project,Values="${name%-*}" Key=environment,Values="${name##*-}" \
    --query 'ResourceTagMappingList[].[ResourceARN]' --output text
aws logs describe-log-groups --region "$region" --log-group-name-prefix "/aws/rds/instance/$name/" \
    --query 'logGroups[].[logGroupName]' --output text
