# shellcheck shell=bash
# A copy of this repository for another machine. Bash; to be sourced, after setup.sh.

# As a tar archive on stdout, in the folder "repository", without what only builds and checks need.
pack_repository() {
  tar -c -C "$repository" --transform='s,^\.,repository,S' --exclude=./.git --exclude=./.nx --exclude=out-tsc --exclude=./tools/test-results \
    --exclude=./node_modules/{@arethetypeswrong,@microsoft,@nx,@rolldown,@rushstack,eslint,nx,prettier,rolldown,typescript,vitest} "$@" .
}
