# Writes a consistent dump of the database to the volume, whole or not at all, and removes old dumps.
# Uses only sh, mysql, mysqldump, gzip and the standard tools of the image.
#
# From the environment: HOST, MYSQL_USER, MYSQL_PWD, MYSQL_DATABASE, KEEP (number of the newest dumps to keep; 0: all).
# `backup.sh print` writes the dump to standard output instead.
set -eu
umask 077
folder=/backup
CA=/etc/mysql-tls/ca.crt

# One transaction on one server, without locks. No GTIDs: a dump with them can only be loaded into a server that has
# none of its own. Rows in the order of their keys, so that two dumps of equal data are equal.
dump() {
  mysqldump --no-defaults --host="$HOST" --user="$MYSQL_USER" \
    --ssl-mode=VERIFY_IDENTITY --ssl-ca="$CA" --single-transaction --quick --set-gtid-purged=OFF \
    --no-tablespaces --skip-lock-tables --skip-add-locks --order-by-primary --hex-blob --triggers \
    --loose-skip-masking-policies "$MYSQL_DATABASE"
}

if [ "${1:-}" = print ]; then dump; exit; fi

# Repeated for a while, because the network may let a new pod connect only some seconds after its start.
for _ in $(seq 30); do
  mysql --no-defaults --host="$HOST" --user="$MYSQL_USER" --connect-timeout=5 \
    --ssl-mode=VERIFY_IDENTITY --ssl-ca="$CA" --execute="SELECT 1" >/dev/null 2>&1 && break
  sleep 1
done

# mysqldump ends its output with this line only if nothing failed; reading it also checks the compression.
is_complete() { gzip --decompress --stdout "$1" | tail -n 1 | grep -q '^-- Dump completed'; }

new_name() { name=$MYSQL_DATABASE-$(date -u +%Y%m%dT%H%M%SZ).sql.gz; }
new_name
while [ -e "$folder/$name" ]; do sleep 1; new_name; done
rm -f "$folder"/.partial-*
partial=$folder/.partial-$name
dump | gzip >"$partial"
is_complete "$partial" || { rm -f "$partial"; echo "mysqldump did not finish: nothing was kept" >&2; exit 1; }
# The checksum first, so that a dump under its final name always has one.
(cd "$folder" && sha256sum ".partial-$name" | sed "s/\.partial-//" >"$name.sha256")
sync
mv "$partial" "$folder/$name"
echo "wrote $name, $(wc -c <"$folder/$name") bytes"

# Removes all but the newest KEEP dumps. A dump of more than twice the size of every later one also stays: the data
# shrank after it, perhaps by a mistake that is noticed later.
[ "$KEEP" -gt 0 ] || exit 0
number=0
largest=0
find "$folder" -maxdepth 1 -name "$MYSQL_DATABASE-*.sql.gz" | sort -r | while read -r old; do
  number=$((number + 1))
  size=$(wc -c <"$old")
  if [ "$number" -gt "$KEEP" ] && [ "$size" -le $((2 * largest)) ]; then
    rm -f "$old" "$old.sha256"
    echo "removed $(basename "$old")"
  elif [ "$number" -gt "$KEEP" ]; then
    echo "kept $(basename "$old"), $size bytes: every later dump is less than half as large"
  fi
  [ "$size" -le "$largest" ] || largest=$size
done
