# Writes Redis's ACL file. It contains only the SHA-256 hashes of the passwords.
set -eu
umask 077

hash() { printf '%s' "$1" | sha256sum | cut -d ' ' -f 1; }

# The commands that client libraries send when they connect.
handshake='+ping +hello +auth +client|setname +client|setinfo'
transaction='+watch +unwatch +multi +exec'
rate='rate:IDR:USD' history='rate:IDR:USD:history' runs='rate:IDR:USD:runs' revocations='auth:revocations'

# Nobody can log in as `default`. It has all rights because Redis checks them when it loads a transaction (EXEC) from its
# append-only file: without, a restart would drop everything that was written in transactions.
cat >/run/redis/users.acl <<ACL
user default off ~* &* +@all
user probe on nopass resetkeys resetchannels -@all +ping
user admin on #$(hash "$ADMIN_PASSWORD") ~* &* +@all
user rate-cron on #$(hash "$RATE_CRON_PASSWORD") resetkeys ~$rate ~$history ~$runs resetchannels -@all +get +set +hgetall +hset +hdel +hincrby $transaction $handshake
user auth on #$(hash "$AUTH_PASSWORD") resetkeys ~auth:* resetchannels -@all +get +set $handshake
user fetch on #$(hash "$FETCH_PASSWORD") resetkeys %R~$rate %R~$history %R~$runs %R~$revocations ~fetch:* resetchannels -@all +get +hgetall +set +multi +exec $handshake
ACL
