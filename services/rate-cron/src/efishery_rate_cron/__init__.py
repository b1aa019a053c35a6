"""rate-cron: one run gets the IDR to USD rate from the first provider with a valid answer and writes it to Redis."""
