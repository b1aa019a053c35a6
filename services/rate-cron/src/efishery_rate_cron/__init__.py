"""rate-cron: one run takes the IDR to USD rate from the first provider that answers sanely and stores it."""
