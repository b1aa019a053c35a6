#!/bin/sh
# The job `secrets` of compose.yaml: generates the passwords and the signing key that are missing, and derives from them
# MySQL's accounts and Redis's users. Runs as root without the right to read the files of others: it owns all of them, and
# the services read them as a group, from volumes that are read-only to them.
set -eu
umask 077

auth=/secrets/auth fetch=/secrets/fetch rate_cron=/secrets/rate-cron mysql=/secrets/mysql

password() {  # password FILE: generates it unless it is there; the rename makes it complete or absent
  [ -s "$1" ] || { head -c 24 /dev/urandom | base64 | tr +/ -_ >"$1.new" && mv "$1.new" "$1"; }
}

share() {  # share GROUP FILE...
  group=$1; shift
  chgrp "$group" "$@"
  chmod 0640 "$@"
}

password "$auth/auth_admin_password"
password "$auth/auth_database_password"
password "$auth/auth_redis_password"
password "$fetch/fetch_redis_password"
password "$rate_cron/rate_cron_redis_password"

if [ ! -s "$auth/tls.key" ]; then
  openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=efishery-auth -days 3650 \
    -keyout "$auth/tls.key.new" -out "$auth/tls.crt" 2>/dev/null
  mv "$auth/tls.key.new" "$auth/tls.key"
fi
mkdir -p "$fetch/keys"
chmod 0755 "$fetch/keys"
cp "$auth/tls.crt" "$fetch/keys/current.crt"

# mysqld runs it at each start, so that the accounts follow these files. As root only mysqld's user on its socket logs in.
database_password=$(cat "$auth/auth_database_password")
cat >"$mysql/accounts.sql" <<SQL
CREATE DATABASE IF NOT EXISTS efishery;
CREATE USER IF NOT EXISTS 'efishery'@'%';
ALTER USER 'efishery'@'%' IDENTIFIED BY '$database_password' REQUIRE SSL;
GRANT ALL PRIVILEGES ON efishery.* TO 'efishery'@'%';
ALTER USER 'root'@'localhost' IDENTIFIED WITH auth_socket AS 'mysql';
SQL

# No service logs in as admin, so nobody keeps this password.
ADMIN_PASSWORD=$(head -c 24 /dev/urandom | base64) \
  AUTH_PASSWORD=$(cat "$auth/auth_redis_password") \
  FETCH_PASSWORD=$(cat "$fetch/fetch_redis_password") \
  RATE_CRON_PASSWORD=$(cat "$rate_cron/rate_cron_redis_password") \
  sh /etc/compose/write-acl.sh

share 10001 "$auth"/* "$fetch/fetch_redis_password" "$fetch"/keys/* "$rate_cron"/*
share 999 "$mysql"/* /run/redis/users.acl
