#!/bin/bash
# Start the version of the pipeline that this file belongs to, with docker compose. If its image can't
# be built, the version before keeps running. The document of airflow-ec2.yaml runs this as root.
#
# start_host.sh NAME=VALUE...    further lines of .env, such as AWS_DEFAULT_REGION=eu-central-1
set -euo pipefail
umask 077

readonly root=${DESTDIR:-}
version=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly version
readonly secrets=$root/data/clickstream/secrets.env

# Generate the secrets that .env.example names and this machine does not have yet. They are on the
# data volume: the database and the stored connections need the same ones after each upgrade.
generate_secrets() {
    local name
    mkdir -p "$(dirname "$secrets")"
    touch "$secrets"
    sed -n 's/=GENERATE$//p' "$version/.env.example" | while read -r name; do
        grep --quiet "^$name=" "$secrets" ||
            echo "$name=$(openssl rand -base64 32 | tr '+/' '-_')" >> "$secrets"
    done
}

write_dotenv() {
    {
        echo "COMPOSE_FILE=docker-compose.yaml:docker-compose.host.yaml"
        cat "$secrets"
        printf '%s\n' "$@"
    } > "$version/.env"
}

restart_service() {
    local current
    current=$(dirname "$version")/current
    ln -sfn "$version" "$current.new"
    mv -T "$current.new" "$current"
    install -D -m 644 "$version/infra/clickstream.service" \
        "$root/etc/systemd/system/clickstream.service"
    systemctl daemon-reload
    systemctl enable --quiet clickstream
    systemctl restart clickstream
}

generate_secrets
write_dotenv "$@"
cd "$version"
docker compose build
restart_service
# Space for the next versions. A failure here does not concern the version that now runs.
docker image prune --force || true
docker builder prune --force --filter until=720h || true
