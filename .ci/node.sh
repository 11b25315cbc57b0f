# Sourced by what needs a real node: makes one of this machine, with kubelet, containerd and runc.
# Needs root, and ../shared/cluster. Leaves nothing running; shows logs if what follows fails, and then
# once more which tests did.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
shared=$PWD/../shared/cluster
export CLUSTER_DIR=${CLUSTER_DIR:-/tmp/imagejob-ci} # its own, so that a developer's cluster there stays
# The dev cluster's Kubernetes, of which Go has compiled most already: only the linking is done again.
pinned='from imagejob_dev.tools.catalogue import KUBERNETES; print(KUBERNETES.version)'
export K8S_VERSION=${K8S_VERSION:-$(.venv/bin/python -c "$pinned")}
export CLUSTER_BIN=${CLUSTER_BIN:-$HOME/.cache/imagejob-cluster/bin-$K8S_VERSION}
kubeconfig=$CLUSTER_DIR/kubeconfig
host_address=10.244.0.1 # of this machine, for pods
work=$(mktemp -d)
said=$work/pytest.out

show() { # show FILE...: the ends of logs
  for log in "$@"; do
    [ ! -s "$log" ] || { echo "--- the end of $log"; tail -n 40 "$log" | cut -c 1-300; }
  done
}

finish() {
  code=$?
  if [ $code != 0 ]; then
    kubectl --kubeconfig "$kubeconfig" get pods,events --all-namespaces 2>&1 | tail -n 60 || true
    show "$CLUSTER_DIR"/log/{containerd,kubelet} "$work"/pytest/cluster*/log/*.log
    [ ! -e "$said" ] || grep -E '^(E  |FAILED|ERROR)' "$said" | cut -c 1-300 || true
  fi
  "$shared/down" || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$shared/down" # what a run that was killed has left
"$shared/build" >/dev/null
"$shared/up" >/dev/null
# A bridge without an address of its own takes one of its ports'. It changes with every pod that comes
# or goes, and others can't reach this machine until they have noticed.
ip link set dev ijbr0 address 0a:58:0a:f4:00:01

run_tests() { # run_tests PYTEST-ARGUMENTS...
  .venv/bin/pytest --basetemp "$work/pytest" --kubeconfig "$kubeconfig" --host-address "$host_address" "$@" | tee "$said"
}

image() { # image DIR TARGET TAG: build it for the node; prints its name
  "$shared/image" "$1" "imagejob-$2:$3" --target "$2"
}
