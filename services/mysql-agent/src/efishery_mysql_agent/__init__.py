"""The sidecar of a MySQL member: it observes, decides by rules that a test can read, and acts."""
