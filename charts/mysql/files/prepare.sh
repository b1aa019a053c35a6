# Readies a member before mysqld starts: an empty volume gets a data directory and the agent's folder.
# Uses nothing of the image but sh and mysqld: no entrypoint script.
set -eu
umask 077

volume=/var/lib/mysql
mkdir -p "$volume/agent"
if [ ! -d "$volume/data" ]; then
  # The rename makes it whole or absent: an interrupted first start begins again.
  rm -rf "$volume/data.new"
  mysqld --no-defaults --initialize-insecure --datadir="$volume/data.new"
  mv "$volume/data.new" "$volume/data"
fi
