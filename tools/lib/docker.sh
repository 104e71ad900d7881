# shellcheck shell=bash
# A Docker Engine for the tests: one that is there, or one of their own. Bash; to be sourced, after setup.sh.

lib=$(dirname "${BASH_SOURCE[0]}")
engine_pid=
engine_folder=

engine_answers() { DOCKER_HOST=$1 timeout 10 docker version > /dev/null 2>&1; }

# Installs Docker from Debian's packages where one of the named commands is missing; another's Docker is not replaced.
need_docker_commands() {
  local name packages=(docker.io iptables iproute2 util-linux)
  for name in "$@"; do
    command -v "$name" > /dev/null && continue
    [ -z "$(apt-cache search --names-only '^docker-cli$' 2> /dev/null)" ] || packages+=(docker-cli)
    need_debian_packages "${packages[@]}"
    return
  done
}

# Waits for the end of a child, whatever signals this shell gets meanwhile. Returns its exit code.
outlast() {
  while kill -0 "$1" 2> /dev/null; do wait "$1" || true; done
  wait "$1"
}

# Sets DOCKER_HOST to an engine that answers and has the images of the tests: that of the whole test run, or of DOCKER_HOST, or of the
# machine, or a new one, which stop_engine ends. Returns 1, with a sentence, when there can be none.
need_engine() {
  local host
  # Docker's daemon and iptables are there.
  PATH=$PATH:/usr/sbin:/sbin
  if [ -n "${ERGON_TEST_DOCKER_HOST:-}" ]; then
    export DOCKER_HOST=$ERGON_TEST_DOCKER_HOST
    engine_answers "$DOCKER_HOST" && return
    complain "The engine of this test run no longer answers at $DOCKER_HOST (ERGON_TEST_DOCKER_HOST)."
    return 1
  fi
  if ! command -v docker > /dev/null && [ "$(id -u)" != 0 ]; then
    complain 'There is no "docker" command here, and only root can install it and start an engine.'
    return 1
  fi
  need_docker_commands docker || return 1
  for host in "${DOCKER_HOST:-}" unix:///var/run/docker.sock; do
    [ -n "$host" ] || continue
    if engine_answers "$host"; then
      export DOCKER_HOST=$host
      bash "$lib/../test-images.sh"
      return
    fi
    [ "$host" != "${DOCKER_HOST:-}" ] || complain "No Docker Engine answers at $host (DOCKER_HOST)."
  done
  start_engine && bash "$lib/../test-images.sh"
}

start_engine() {
  local old deadline=$((SECONDS + 60))
  if [ "$(id -u)" != 0 ]; then
    complain 'Only root can start one. Name an engine that you may use in DOCKER_HOST, or run this as root.'
    return 1
  fi
  need_docker_commands dockerd iptables ip setpriv unshare flock || return 1
  for old in /var/tmp/ergon-docker.*/lock; do
    # Of a run that was killed: nobody holds its lock any more.
    [ ! -e "$old" ] || flock -n "$old" rm -rf --one-file-system "${old%/lock}" || true
  done
  say 'Starting a Docker Engine for this run'
  # On a disk, where a temporary folder may be memory.
  engine_folder=$(mktemp -d /var/tmp/ergon-docker.XXXXXX)
  # Of a session of its own, so that a Ctrl-C first ends the tests; and ended in order when this shell is killed.
  setpriv --pdeathsig TERM setsid bash "$lib/dockerd.sh" "$engine_folder" &
  engine_pid=$!
  export DOCKER_HOST=unix://$engine_folder/docker.sock
  until engine_answers "$DOCKER_HOST"; do
    if ! kill -0 "$engine_pid" 2> /dev/null || [ "$SECONDS" -gt "$deadline" ]; then
      tail -n 20 "$engine_folder/dockerd.log" >&2 || true
      complain 'The Docker Engine did not start; the end of its log stands above. It needs a kernel with namespaces, control groups and overlayfs, all of which root may use: a container needs --privileged.'
      stop_engine
      return 1
    fi
    sleep 0.1
  done
}

# Ends the engine that this shell started, and removes its data.
stop_engine() {
  [ -n "$engine_pid" ] || return 0
  kill -TERM "$engine_pid" 2> /dev/null || true
  outlast "$engine_pid" || complain "The Docker Engine of this run ended with exit code $?."
  rm -rf --one-file-system "$engine_folder"
  engine_pid=
}
