"""The reference of logins: verifies one password in a loop, in as many threads as auth hashes with."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher


def verify_until(deadline: float, password_hash: str, password: str) -> int:
    """Return how often the password was verified until `deadline`, on the monotonic clock."""
    hasher, count = PasswordHasher(), 0
    while time.monotonic() < deadline:
        hasher.verify(password_hash, password)  # with the parameters that the hash names
        count += 1
    return count


def main() -> None:
    """Read the settings from the environment, verify, and print a line."""
    password_hash, password = os.environ["REFERENCE_HASH"], os.environ["REFERENCE_PASSWORD"]
    seconds, threads = float(os.environ["REFERENCE_SECONDS"]), int(os.environ["REFERENCE_THREADS"])
    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        loops = [pool.submit(verify_until, started + seconds, password_hash, password) for _ in range(threads)]
        count = sum(loop.result() for loop in loops)
    sys.stdout.write(f"Verifications/sec: {count / (time.monotonic() - started):.2f}\n")


if __name__ == "__main__":
    main()
