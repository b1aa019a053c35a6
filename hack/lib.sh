# shellcheck shell=bash disable=SC2034  # names here are for the scripts that source this file
# What the scripts of this folder share. Sourcing it moves to the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NAMESPACE=efishery
RELEASE=efishery
SERVICES=(auth fetch docs rate-cron sample mysql-agent)
export IMAGE_TAG=${IMAGE_TAG:-dev}

one_node() {  # one_node NAME: that setting of the one-node cluster
  bash -c 'source hack/one-node/settings && echo "${!1}"' - "$1"
}

# Programs made for this repository come first, those of the one-node cluster fill what PATH lacks.
ONE_NODE_CACHE=$(one_node CACHE)
export PATH=$PWD/.tools/bin:$PATH:$ONE_NODE_CACHE/bin

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

need() {  # need PROGRAM HOW-TO-GET-IT
  command -v "$1" >/dev/null || die "$1 is not on PATH: $2"
}

# image_name SERVICE: the full name, as the nodes know it. Kubernetes reads a name without a host as
# docker.io's; podman and buildah would say localhost, so it is always written out.
image_name() {
  echo "${REGISTRY:-docker.io}/efishery/$1:$IMAGE_TAG"
}

# container_engine: docker, podman or buildah, the first that works; a docker client without its engine does not.
container_engine() {
  local engine
  for engine in docker podman buildah; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then echo "$engine"; return; fi
  done
  die "no container engine works here: start Docker, or install podman or buildah (Debian: apt-get install buildah)"
}

# use_cluster: kubectl talks to the current context or, where there is none, to the one-node cluster.
use_cluster() {
  need kubectl "see https://kubernetes.io/docs/tasks/tools/, or make cluster"
  if ! kubectl config current-context >/dev/null 2>&1 && [ -f "$ONE_NODE_CACHE/admin.conf" ]; then
    export KUBECONFIG=$ONE_NODE_CACHE/admin.conf
  fi
  kubectl get --raw /readyz --request-timeout=10s >/dev/null 2>&1 ||
    die "no cluster answers on the current kubectl context: choose one, or make cluster"
}

# say_cluster: names the cluster that is about to be worked on; on stderr, as stdout may be wanted for itself.
say_cluster() {
  local server
  server=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
  say "cluster: context $(kubectl config current-context), $server" >&2
}

# cluster_kind: kind, minikube, one-node, or other. Asks the nodes, as contexts can be renamed.
cluster_kind() {
  local node
  node=$(kubectl get nodes -o jsonpath='{.items[0].metadata.name} {.items[0].metadata.labels} {.items[0].spec.providerID}')
  case $node in
    one-node\ *) echo one-node ;;
    *minikube.k8s.io/name*) echo minikube ;;
    *\ kind://*) echo kind ;;
    *) echo other ;;
  esac
}

minikube_profile() {
  kubectl get nodes -o jsonpath='{.items[0].metadata.labels.minikube\.k8s\.io/name}'
}

# kind names a cluster's context kind-NAME and its nodes kind://PROVIDER/NAME/NODE.
kind_name() {
  kubectl get nodes -o jsonpath='{.items[0].spec.providerID}' | cut -d/ -f4
}

wait_until() {  # wait_until SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "timed out waiting for $what"
    sleep 1
  done
}
