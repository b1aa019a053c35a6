# Init container: gives an empty volume a data directory and the agent's folder, and names the user of a random uid.
# Uses only sh and mysqld of the image, not its entrypoint script.
set -eu
umask 077

volume=/var/lib/mysql
mkdir -p "$volume/agent"
if [ ! -d "$volume/data" ]; then
  # The rename makes it complete or absent: an interrupted first start begins again.
  rm -rf "$volume/data.new"
  mysqld --no-defaults --initialize-insecure --datadir="$volume/data.new"
  mv "$volume/data.new" "$volume/data"
fi
# auth_socket compares the name of the caller's uid with `mysql`. A uid that the cluster chose has no name in the image.
passwd=/run/passwd
if [ -d "$passwd" ]; then
  echo "mysql:x:$(id -u):$(id -g)::$volume:/bin/false" >"$passwd/passwd"
fi
