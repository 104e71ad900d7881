#!/usr/bin/env bash
# Usage: service-images.sh
# Gives the engine that DOCKER_HOST (or Docker's own default) names two services for the tests, without a registry, of Debian's packages over
# ergon-test/debian:1 (see test-images.sh, which has to have run):
#   ergon-test/redis:1     as the official image "redis" is: /data is a volume and the working folder
#   ergon-test/postgres:1  as the official image "postgres" is: the same variables, volume, entry point's steps, folder of its socket
# An image that is there and was made by this same recipe stays. The packages are kept below ~/.cache/ergon-sandbox-test.
set -euo pipefail
umask 022
# shellcheck source=tools/lib/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

postgres_packages=(postgresql-15 postgresql-client-15 libpq5 libicu72 libxml2 libldap-2.5-0 libsasl2-2 libgssapi-krb5-2 libkrb5-3 libk5crypto3
  libkrb5support0 libcom-err2 libkeyutils1 libxslt1.1 libssl3 libnss-wrapper)
redis_packages=(redis-server redis-tools libhiredis0.14 libjemalloc2 liblua5.1-0 lua-bitop lua-cjson libssl3 libatomic1 liblzf1)
base=ergon-test/debian:1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ergon-sandbox-test"
entrypoint=$repository/tools/lib/postgres-entrypoint.sh
recipe=$(cat "${BASH_SOURCE[0]}" "$entrypoint" <(docker image inspect --format '{{.Id}}' "$base") | sha256sum | cut -c 1-16)

has() {
  [ "$(docker image inspect --format '{{index .Config.Labels "ergon-test.recipe"}}' "$1" 2> /dev/null)" = "$recipe" ]
}

# Puts what the packages hold into the folder $1.
unpack() {
  local tree=$1 package
  shift
  mkdir -p "$tree" "$cache/packages"
  for package in "$@"; do
    compgen -G "$cache/packages/${package}_*.deb" > /dev/null ||
      (cd "$cache/packages" && apt-get -q -q -o APT::Sandbox::User=root download "$package")
    dpkg-deb --extract "$(compgen -G "$cache/packages/${package}_*.deb" | tail -n 1)" "$tree"
  done
  rm -rf "$tree"/usr/share/{doc,man,locale,lintian,bug} "$tree"/usr/lib/postgresql/15/lib/{llvmjit*,bitcode}
  # The image has links where a package has folders: what is below /lib goes through it.
  if [ -d "$tree/lib" ]; then cp -a "$tree/lib/." "$tree/usr/lib/" && rm -rf "$tree/lib"; fi
}

# Adds the tree $2 to the base as the image $1, after the programs in it were seen to find their libraries; the rest are lines of a Dockerfile.
build() {
  local name=$1 tree=$2 program=$3 container change=()
  shift 3
  for line in "$@" "LABEL ergon-test.recipe=$recipe"; do change+=(--change "$line"); done
  container=$(docker create --network none "$base" "$program" --version)
  tar -c --numeric-owner -C "$tree" . | docker cp - "$container:/"
  if ! docker start --attach "$container" > /dev/null; then
    docker rm "$container" > /dev/null
    complain "$program does not run in $name; its message stands above."
    return 1
  fi
  docker commit "${change[@]}" "$container" "$name" > /dev/null
  docker rm "$container" > /dev/null
}

if has ergon-test/redis:1 && has ergon-test/postgres:1; then exit 0; fi
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9 # two at once would build the same thing
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

if ! has ergon-test/redis:1; then
  unpack "$work/redis" "${redis_packages[@]}"
  mkdir -p "$work/redis/data"
  build ergon-test/redis:1 "$work/redis" /usr/bin/redis-server 'WORKDIR /data' 'VOLUME /data' 'CMD ["redis-server"]'
fi
if ! has ergon-test/postgres:1; then
  unpack "$work/postgres" "${postgres_packages[@]}"
  mkdir -p "$work/postgres"/{docker-entrypoint-initdb.d,var/lib/postgresql/data,var/run}
  install -D -m 0755 "$entrypoint" "$work/postgres/usr/local/bin/docker-entrypoint.sh"
  mv "$work/postgres/var/run" "$work/postgres/run"
  install -d -m 3777 "$work/postgres/run/postgresql"
  build ergon-test/postgres:1 "$work/postgres" /usr/lib/postgresql/15/bin/postgres \
    'ENV PGDATA=/var/lib/postgresql/data' 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin' \
    'VOLUME /var/lib/postgresql/data' 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
fi
docker image prune --force --filter label=ergon-test.recipe > /dev/null
