#!/bin/bash
# Prepare an Ubuntu machine: mount the data volume, install Docker, and send the output of containers,
# and the use of disk and memory, to CloudWatch. The document of airflow-ec2.yaml runs this before each
# start_host.sh; a machine that is prepared stays as it is, but for a restart of CloudWatch's agent.
#
# prepare_host.sh VOLUME REGION LOG_GROUP
set -euo pipefail

readonly volume=$1 region=$2 log_group=$3
readonly root=${DESTDIR:-}
configuration=$(realpath "$(dirname "${BASH_SOURCE[0]}")/agent-host.json")
readonly configuration
readonly agent=$root/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
readonly device=$root/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume/-/}

# Make a file system on a new volume. An existing one, or an unknown state, is left as it is.
format_volume() {
    local status=0
    blkid --probe "$device" > /dev/null || status=$?
    case $status in
        0) ;;
        2) mkfs.ext4 -q "$device" ;;
        *)
            echo "The content of $device is unknown (blkid: $status); nothing was written to it." >&2
            return 1
            ;;
    esac
}

mount_volume() {
    mountpoint --quiet "$root/data" && return
    until [[ -e $device ]]; do sleep 1; done
    format_volume
    mkdir -p "$root/data"
    grep --quiet ' /data ' "$root/etc/fstab" ||
        echo "$device /data ext4 defaults,nofail 0 2" >> "$root/etc/fstab"
    mount "$root/data"
}

# Docker's images and volumes are on the data volume, so they outlive the machine.
configure_docker() {
    mkdir -p "$root/etc/docker" "$root/etc/systemd/system/docker.service.d"
    cat > "$root/etc/docker/daemon.json" << END
{
    "data-root": "/data/docker",
    "log-driver": "awslogs",
    "log-opts": {
        "awslogs-group": "$log_group",
        "awslogs-region": "$region",
        "mode": "non-blocking",
        "tag": "{{.Name}}"
    }
}
END
    printf '[Unit]\nRequiresMountsFor=/data\n' > "$root/etc/systemd/system/docker.service.d/data.conf"
}

install_docker() {
    local packages=(docker.io docker-buildx docker-compose-v2 openssl)
    dpkg --status "${packages[@]}" > /dev/null 2>&1 && return
    apt-get -o DPkg::Lock::Timeout=600 -qy update
    apt-get -o DPkg::Lock::Timeout=600 -qy install "${packages[@]}"
}

install_agent() {
    local package url=https://amazoncloudwatch-agent-$region.s3.$region.amazonaws.com/ubuntu/arm64/latest
    dpkg --status amazon-cloudwatch-agent > /dev/null 2>&1 && return
    package=$(mktemp --suffix .deb)
    curl --fail --silent --show-error --proto =https --output "$package" \
        "$url/amazon-cloudwatch-agent.deb" &&
        apt-get -o DPkg::Lock::Timeout=600 -qy install "$package" &&
        rm "$package"
}

start_agent() {
    install_agent && "$agent" -a fetch-config -m ec2 -s -c "file:$configuration"
}

mount_volume
configure_docker
install_docker
# Without the agent, two alarms have no data, which must not stop the pipeline.
start_agent || echo "The CloudWatch agent could not be started; deploy again to repeat it." >&2
