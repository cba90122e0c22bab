# Runs once, as root, when the machine is made. Terraform puts the facts of this installation in front as variables:
# ALERT_TOPIC DATA_VOLUME ENVIRONMENT METABASE_SHA256 METABASE_VERSION PARAMETERS PRODUCT_URL PRODUCT_VERSION REGION
# No secret passes through here. What it prints is in /var/log/cloud-init-output.log.
# shellcheck shell=bash disable=SC2154
set -euo pipefail

product=/opt/lakehouse
data=/srv/lakehouse

install_packages() {
    dnf install --quiet --assumeyes git make python3.11 python3.11-pip java-21-amazon-corretto-headless
}

# fixed numbers, so that a new machine finds its files on the kept disk still its own
make_users() {
    useradd --uid 2001 --home-dir "$data" --no-create-home --shell /sbin/nologin lakehouse
    useradd --uid 2002 --home-dir /opt/metabase --create-home --shell /sbin/nologin metabase
}

# Terraform attaches the disk after the machine has started; only a blank one is formatted
mount_disk() {
    local disk="/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${DATA_VOLUME/-/}" content=0
    for _ in {1..120}; do
        [[ -e $disk ]] && break
        sleep 5
    done
    blkid --probe "$disk" || content=$?
    if [[ $content -eq 2 ]]; then
        mkfs.xfs -L lakehouse "$disk"
    fi
    mkdir -p "$data"
    echo "LABEL=lakehouse $data xfs defaults,nofail,nodev,nosuid 0 2" >>/etc/fstab
    systemctl daemon-reload
    mount "$data"
    install -d -o lakehouse -g lakehouse -m 0750 "$data" "$data/$ENVIRONMENT"
}

install_product() {
    git clone --quiet "$PRODUCT_URL" "$product"
    git -C "$product" checkout --quiet --detach "$PRODUCT_VERSION"
    make -C "$product" .venv/.run PYTHON=python3.11
    chown -R lakehouse:lakehouse "$product"
}

install_metabase() {
    local jar=/opt/metabase/metabase.jar
    curl --fail --silent --show-error --output "$jar" "https://downloads.metabase.com/$METABASE_VERSION/metabase.jar"
    if [[ $METABASE_SHA256 != none ]]; then
        echo "$METABASE_SHA256  $jar" | sha256sum --check --strict
    fi
}

# owned by root, unlike the product: these run as root
install_units() {
    local from="$product/terraform/machine"
    install -d -m 0755 /etc/lakehouse /usr/local/lib/lakehouse
    curl --fail --silent --show-error --output /etc/lakehouse/rds-ca.pem \
        "https://truststore.pki.rds.amazonaws.com/$REGION/$REGION-bundle.pem"
    printf '%s\n' "AWS_REGION=$REGION" "PARAMETERS=$PARAMETERS" "ALERT_TOPIC=$ALERT_TOPIC" \
        "WORKSPACE__PROFILE=$ENVIRONMENT" PGSSLMODE=verify-full PGSSLROOTCERT=/etc/lakehouse/rds-ca.pem \
        >/etc/lakehouse/machine.env
    install -m 0755 "$from/settings.sh" "$from/settings.py" /usr/local/lib/lakehouse/
    install -m 0644 "$from"/*.service "$from"/*.timer "$from"/*.path /etc/systemd/system/
    systemctl daemon-reload
    systemctl enable --now lakehouse.timer metabase.path
}

install_packages
make_users
mount_disk
install_product
install_metabase
install_units
