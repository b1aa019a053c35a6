# Readies a member before mysqld starts: an empty volume gets a data directory, and init.sql, which mysqld
# runs at every start, brings the database, the accounts and their passwords in line with the Secret.
# Uses nothing of the image but sh, sed and mysqld: no entrypoint script.
set -eu
umask 077

volume=/var/lib/mysql
if [ ! -d "$volume/data" ]; then
  # The rename makes it whole or absent: an interrupted first start begins again.
  rm -rf "$volume/data.new"
  mysqld --no-defaults --initialize-insecure --datadir="$volume/data.new"
  mv "$volume/data.new" "$volume/data"
fi

# A string inside single quotes in SQL.
quoted() { printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g"; }
root=$(quoted "$MYSQL_ROOT_PASSWORD")
password=$(quoted "$MYSQL_PASSWORD")

# One statement a line, as init_file wants. Not in the binary log: each member does this for itself.
cat >/run/mysql-init/init.sql <<SQL
SET SESSION sql_log_bin = OFF;
CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;
CREATE USER IF NOT EXISTS '$MYSQL_USER'@'%' IDENTIFIED WITH caching_sha2_password BY '$password';
ALTER USER '$MYSQL_USER'@'%' IDENTIFIED WITH caching_sha2_password BY '$password';
GRANT ALL PRIVILEGES ON \`$MYSQL_DATABASE\`.* TO '$MYSQL_USER'@'%';
CREATE USER IF NOT EXISTS 'probe'@'localhost' IDENTIFIED WITH caching_sha2_password BY '';
ALTER USER 'root'@'localhost' IDENTIFIED WITH caching_sha2_password BY '$root';
SQL
