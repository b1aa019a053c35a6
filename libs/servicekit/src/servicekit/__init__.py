"""Code shared by the service images, without domain logic."""
