"""Envoy as the gateway of a system without a mesh, configured from the files of k8s/istio that the mesh reads."""
