#!/bin/bash
# Puts in what Terraform must not know: the database's roles with new passwords, and your secrets, straight into the
# parameter store. The flow takes them at its next start, 15 minutes later at most.
# Needs terraform, the AWS CLI with its session-manager-plugin, psql, curl, openssl, and `make .venv/.run` done.
#
#   first-run.sh             both, after the first `terraform apply`
#   first-run.sh database    the roles alone: new passwords
#   first-run.sh secrets     your secrets alone; an empty answer leaves a value as it is
# shellcheck disable=SC2154
set -euo pipefail
umask 077
cd "$(dirname "$0")"

# the value comes from stdin and goes by a file of our own, so that no list of processes and no history shows it
put() {
    python3 -c '
import json, sys
print(json.dumps(dict(Name=sys.argv[1], Value=sys.stdin.read().rstrip("\n"), Type="SecureString", Overwrite=True)))' \
        "$parameters/$1" >"$work/parameter.json"
    aws ssm put-parameter --region "$region" --cli-input-json "file://$work/parameter.json" >/dev/null
    rm "$work/parameter.json"
    echo "set $parameters/$1"
}

is_unset() {
    [[ $(aws ssm get-parameter --region "$region" --name "$parameters/$1" --with-decryption \
        --query Parameter.Value --output text) == unset ]]
}

open_tunnel() {
    setsid ./reach.sh warehouse >"$work/tunnel.log" 2>&1 & # a group of its own, to end the plugin too
    tunnel=$!
    for _ in {1..30}; do
        (: </dev/tcp/127.0.0.1/15432) 2>/dev/null && return
        sleep 1
    done
    echo "No way to Postgres after 30 seconds:" >&2
    cat "$work/tunnel.log" >&2
    exit 1
}

# libpq's own variables, so that no password is an argument
be_administrator() {
    export PGHOST=$warehouse_host PGHOSTADDR=127.0.0.1 PGPORT=15432 PGDATABASE=$warehouse_name PGUSER=lakehouse_admin
    export PGSSLMODE=verify-full PGSSLROOTCERT=${RDS_CA:-$work/rds-ca.pem}
    if [[ -z ${RDS_CA:-} ]]; then
        curl --fail --silent --show-error --output "$PGSSLROOTCERT" \
            "https://truststore.pki.rds.amazonaws.com/$region/$region-bundle.pem"
    fi
    PGPASSWORD=$(aws secretsmanager get-secret-value --region "$region" --secret-id "$warehouse_secret" \
        --query SecretString --output text | python3 -c 'import json, sys; print(json.load(sys.stdin)["password"])')
    export PGPASSWORD
}

database() {
    local metabase_app
    open_tunnel
    be_administrator
    DESTINATION__WAREHOUSE__PUBLISHER_PASSWORD=$(openssl rand -hex 24)
    DESTINATION__WAREHOUSE__METABASE_PASSWORD=$(openssl rand -hex 24)
    metabase_app=$(openssl rand -hex 24)
    export DESTINATION__WAREHOUSE__PUBLISHER_PASSWORD DESTINATION__WAREHOUSE__METABASE_PASSWORD
    (
        cd ..
        export DESTINATION__WAREHOUSE__CREDENTIALS="postgresql:///$warehouse_name" # the rest is in libpq's variables
        .venv/bin/python -c 'from pipelines import settings
from pipelines.warehouse import roles
print("\n".join(roles.make_roles(settings.load())))'
    )
    METABASE_APP_PASSWORD=$metabase_app psql --quiet --no-psqlrc --file metabase.sql >/dev/null

    put flow/DESTINATION__WAREHOUSE__CREDENTIALS <<<"postgresql://lakehouse_publisher:\
$DESTINATION__WAREHOUSE__PUBLISHER_PASSWORD@$warehouse_host:5432/$warehouse_name?sslmode=verify-full"
    put flow/DESTINATION__WAREHOUSE__METABASE_PASSWORD <<<"$DESTINATION__WAREHOUSE__METABASE_PASSWORD"
    put metabase/MB_DB_PASS <<<"$metabase_app"
    if is_unset metabase/MB_ENCRYPTION_SECRET_KEY; then # another one would lock Metabase out of its own tables
        openssl rand -hex 32 | put metabase/MB_ENCRYPTION_SECRET_KEY
    fi
}

secrets() {
    local name value
    echo "Your secrets; they are not shown. Enter alone leaves a value as it is; 'none' means do without."
    for name in SOURCES__SPOTIFY_API__CLIENT_ID SOURCES__SPOTIFY_API__CLIENT_SECRET \
        SOURCES__SPOTIFY_API__REFRESH_TOKEN SOURCES__CATALOG__CREDENTIALS; do
        read -r -s -p "$name: " value
        echo
        if [[ -n $value ]]; then
            put "flow/$name" <<<"$value"
        fi
    done
}

for step in "$@"; do
    [[ $step == database || $step == secrets ]] || {
        sed -n '6,8s/^#   //p' "$0" >&2
        exit 2
    }
done
source ./facts.sh
work=$(mktemp -d)
tunnel=
trap '[[ -z $tunnel ]] || kill -- "-$tunnel" 2>/dev/null; rm -rf "$work"' EXIT
steps=("$@")
[[ $# -gt 0 ]] || steps=(database secrets)
for step in "${steps[@]}"; do
    "$step"
done
