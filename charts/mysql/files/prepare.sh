# Init container: gives an empty volume a data directory and the agent's folder, refuses data of a newer MySQL, and
# names the user of a random uid. Uses only sh, mysqld and the standard tools of the image, not its entrypoint script.
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

# mysqld refuses an older series too, but only in the log of a container that restarts.
history=$volume/data/mysql_upgrade_history
if [ -f "$history" ]; then
  # The last version in the file is the latest that has started on these data.
  stored=$(sed -n 's/.*"version":"\([0-9]*\.[0-9]*\.[0-9]*\).*/\1/p' "$history")
  image=$(mysqld --version | sed -n 's/.* Ver \([0-9]*\.[0-9]*\.[0-9]*\).*/\1/p')
  newer=$(printf '%s\n' "$stored" "$image" | sort -V | tail -n 1)
  if [ "$newer" != "$image" ]; then
    if [ "${stored%.*}" != "${image%.*}" ]; then
      remedy="an older series cannot read them: to go back to it, restore a dump into an empty group (docs/backup.md)"
    elif [ "${ALLOW_DOWNGRADE:-false}" != true ]; then
      remedy="to go back within ${image%.*}, set image.allowDowngrade=true"
    fi
    if [ -n "${remedy:-}" ]; then
      echo "refused: the image has MySQL $image, the data are of MySQL $stored. Set image.tag or image.digest to $stored or later; $remedy" >&2
      exit 1
    fi
  fi
fi

# auth_socket compares the name of the caller's uid with `mysql`. A uid that the cluster chose has no name in the image.
passwd=/run/passwd
if [ -d "$passwd" ]; then
  echo "mysql:x:$(id -u):$(id -g)::$volume:/bin/false" >"$passwd/passwd"
fi
