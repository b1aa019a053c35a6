# shellcheck shell=bash disable=SC2034  # the scripts that source this file use its variables
# Functions and variables of the scripts in this folder. Sourcing it changes to the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NAMESPACE=efishery
RELEASE=efishery
# Each service with a Dockerfile has an image, which hack/images builds and hack/up loads.
SERVICES=(services/*/Dockerfile)
SERVICES=("${SERVICES[@]%/Dockerfile}")
SERVICES=("${SERVICES[@]#services/}")
export IMAGE_TAG=${IMAGE_TAG:-dev}

one_node() {  # one_node NAME: prints the variable NAME of hack/one-node/settings
  bash -c 'source hack/one-node/settings && echo "${!1}"' - "$1"
}

# .tools/bin comes before PATH, the programs of the one-node cluster after it.
ONE_NODE_CACHE=$(one_node CACHE)
export PATH=$PWD/.tools/bin:$PATH:$ONE_NODE_CACHE/bin

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

need() {  # need PROGRAM HOW-TO-GET-IT
  command -v "$1" >/dev/null || die "$1 is not on PATH: $2"
}

# image_name SERVICE: prints the full name of its image. Kubernetes completes a name without a registry to docker.io,
# podman and buildah to localhost, so the registry is always part of it.
image_name() {
  echo "${REGISTRY:-docker.io}/efishery/$1:$IMAGE_TAG"
}

dockerfile() {  # dockerfile SERVICE: prints the path of its Dockerfile
  if [ "$1" = gateway ]; then echo hack/gateway/Dockerfile; else echo "services/$1/Dockerfile"; fi
}

# container_engine: prints the first of docker, podman and buildah that works; a docker client without a daemon does not.
container_engine() {
  local engine
  for engine in docker podman buildah; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then echo "$engine"; return; fi
  done
  die "no container engine works here: start Docker, or install podman or buildah (Debian: apt-get install buildah)"
}

# use_cluster: selects the current kubectl context or, where there is none, the one-node cluster, and checks that it answers.
use_cluster() {
  need kubectl "see https://kubernetes.io/docs/tasks/tools/, or make cluster"
  if ! kubectl config current-context >/dev/null 2>&1 && [ -f "$ONE_NODE_CACHE/admin.conf" ]; then
    export KUBECONFIG=$ONE_NODE_CACHE/admin.conf
  fi
  kubectl get --raw /readyz --request-timeout=10s >/dev/null 2>&1 ||
    die "no cluster answers on the current kubectl context: choose one, or make cluster"
}

# say_cluster: prints context and server of the selected cluster, on stderr: a caller may parse stdout.
say_cluster() {
  local server
  server=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
  say "cluster: context $(kubectl config current-context), $server" >&2
}

# cluster_kind: prints kind, minikube, one-node or other. Reads it from the nodes, because contexts can be renamed.
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

# confirm WHAT COMMAND: on a cluster that is not for development, WHAT happens only with CONFIRM=$NAMESPACE
confirm() {
  [ "$(cluster_kind)" != other ] || [ "${CONFIRM:-}" = "$NAMESPACE" ] ||
    die "this cluster is not kind, minikube or one-node, and $1: if that is what you want, CONFIRM=$NAMESPACE $2"
}

minikube_profile() {
  kubectl get nodes -o jsonpath='{.items[0].metadata.labels.minikube\.k8s\.io/name}'
}

kind_name() {  # the providerID of kind's nodes is kind://PROVIDER/CLUSTER/NODE
  kubectl get nodes -o jsonpath='{.items[0].spec.providerID}' | cut -d/ -f4
}

wait_until() {  # wait_until SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "timed out waiting for $what"
    sleep 1
  done
}

# provide_images SERVICE...: builds their images and makes them available to the cluster: pushed to REGISTRY, or loaded
provide_images() {
  if [ -n "${REGISTRY:-}" ]; then PUSH_IMAGE=true hack/images "$@"; return; fi
  hack/images "$@"
  local service kind
  kind=$(cluster_kind)
  say "loading the images into $kind"
  for service in "$@"; do load "$kind" "$(image_name "$service")"; done
}

load() {  # load KIND IMAGE
  case $1 in
    one-node) hack/one-node/load "$2" ;;
    kind) with_archive "$2" kind load image-archive --name "$(kind_name)" ;;
    minikube) with_archive "$2" minikube -p "$(minikube_profile)" image load ;;
    *) die "images cannot be loaded into this cluster: name a registry it pulls from, REGISTRY=registry.example" ;;
  esac
}

with_archive() (  # with_archive IMAGE COMMAND...: runs COMMAND with a tar archive of the image as its last argument
  image=$1; shift
  folder=$(mktemp -d)
  trap 'rm -r "$folder"' EXIT  # of this subshell
  file=$folder/image.tar
  case $(container_engine) in
    docker) docker save -o "$file" "$image" ;;
    podman) podman save -q -o "$file" "$image" ;;
    buildah) buildah push -q "$image" "docker-archive:$file:$image" ;;
  esac
  "$@" "$file"
)

# sources_digest SERVICE: prints a digest of the image's sources
sources_digest() {
  find pyproject.toml uv.lock libs "services/$1" -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}
