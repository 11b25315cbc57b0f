"""A Kubernetes node that runs the containers of its pods as plain processes of this machine."""

NODE_NAME = "process-node"
