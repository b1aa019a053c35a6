"""What the service images share: nothing in here knows fish, prices or users."""
