# Loads a dump of backup.sh into the primary, and proves that what is there then is what was dumped.
#
# From the environment: HOST, MYSQL_USER, MYSQL_PWD, MYSQL_DATABASE; FILE, a name on the volume (empty: the newest);
# REPLACE (yes: the tables of the dump replace those that are there, after a dump of these).
set -eu
umask 077
folder=/backup
scripts=$(dirname "$0")

fail() { echo "$1" >&2; exit 1; }
client() {
  mysql --no-defaults --host="$HOST" --user="$MYSQL_USER" --connect-timeout=10 --ssl-mode=VERIFY_IDENTITY \
    --ssl-ca=/etc/mysql-tls/ca.crt --skip-column-names --batch "$@" "$MYSQL_DATABASE"
}
# The rows of a dump, whatever the versions and the time that its other lines tell.
rows() { grep '^INSERT INTO ' || true; }
tables() { client --execute="SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"; }

newest=$(find "$folder" -maxdepth 1 -name "$MYSQL_DATABASE-*.sql.gz" | sort | tail -n 1)
file=$folder/${FILE:-$(basename "$newest")}
[ -f "$file" ] || fail "there is no dump ${FILE:-} in the volume; it holds: $(ls "$folder")"
(cd "$folder" && sha256sum --check --status "$(basename "$file").sha256") || fail "$file does not have its checksum"
gzip --decompress --stdout "$file" | tail -n 1 | grep -q '^-- Dump completed' || fail "$file is not complete"

if [ -n "$(tables)" ]; then
  [ "${REPLACE:-no}" = yes ] || fail "the database has tables: $(tables | tr '\n' ' '); restore into an empty one, or say REPLACE=yes"
  echo "what is replaced is dumped first"
  KEEP=0 sh "$scripts/backup.sh"
fi

echo "loading $(basename "$file")"
gzip --decompress --stdout "$file" | client

# The same rows come back, byte by byte. Who writes meanwhile makes this fail: stop the writers first.
wanted=$(gzip --decompress --stdout "$file" | rows | sha256sum)
found=$(sh "$scripts/backup.sh" print | rows | sha256sum)
for table in $(tables); do
  echo "$table: $(client --execute="SELECT COUNT(*) FROM \`$table\`") rows"
done
[ "$wanted" = "$found" ] || fail "the rows differ from those of the dump: was something written meanwhile?"
echo "restored $(basename "$file"): all rows are those of the dump"
