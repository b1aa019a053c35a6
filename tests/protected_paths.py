"""The paths of the gateway that need a token."""

PROTECTED_PATHS = (
    "/auth/claims",
    "/fetch/claims",
    "/fetch/rate",
    "/fetch/rate/history",
    "/fetch/resource",
    "/fetch/resource/aggregate",
)
