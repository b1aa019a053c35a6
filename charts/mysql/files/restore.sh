# Replaces the database on the primary by a dump of backup.sh, and checks that it then holds exactly what was dumped.
#
# From the environment: HOST, MYSQL_USER, MYSQL_PWD, MYSQL_DATABASE; FILE, a name on the volume (empty: the newest);
# REPLACE (yes: a database that has tables is replaced, after a dump of it).
set -eu
umask 077
folder=/backup
scripts=$(dirname "$0")

fail() { echo "$1" >&2; exit 1; }
one_line() { printf '%s' "$1" | tr '\n' ' '; }
client() {
  mysql --no-defaults --host="$HOST" --user="$MYSQL_USER" --connect-timeout=10 --ssl-mode=VERIFY_IDENTITY \
    --ssl-ca=/etc/mysql-tls/ca.crt --skip-column-names --batch "$@"
}
query() { client --execute="$1" "$MYSQL_DATABASE"; }
tables() { query "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"; }
programs() {
  query "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
    UNION ALL SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()"
}
newest() { find "$folder" -maxdepth 1 -name "$MYSQL_DATABASE-*.sql.gz" | sort | tail -n 1; }
# The tables and rows of a dump, without the lines that depend on versions and time.
contents() { grep -E '^(CREATE TABLE|INSERT INTO) ' || true; }

# Everything about the file is verified before anything is dropped.
file=$folder/${FILE:-$(basename "$(newest)")}
[ -f "$file" ] || fail "there is no dump ${FILE:-} in the volume; it holds: $(ls "$folder")"
name=$(basename "$file")
(cd "$folder" && sha256sum --check --status "$name.sha256") || fail "$name does not have its checksum"
gzip --decompress --stdout "$file" | tail -n 1 | grep -q '^-- Dump completed' || fail "$name is not complete"
if [ -z "${FILE:-}" ] && ! gzip --decompress --stdout "$file" | grep -q '^CREATE TABLE '; then
  fail "the newest dump, $name, has no tables: name the one to restore; the volume holds: $(ls "$folder")"
fi

# A restore that was interrupted may have left no database. Repeated for a while, because the network may let a new pod
# connect only some seconds after its start, when it has applied its policies.
attempts=15
until client --execute="CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`"; do
  attempts=$((attempts - 1))
  [ "$attempts" -gt 0 ] || fail "the primary does not answer"
  sleep 2
done
# Assigned before they are tested, so that a query that fails ends the script.
lost=$(programs)
[ -z "$lost" ] || fail "the database has stored routines or events, which no dump holds: $(one_line "$lost"); save and drop them first"
present=$(tables)
saved=""
if [ -n "$present" ]; then
  [ "${REPLACE:-no}" = yes ] || fail "the database has tables: $(one_line "$present"); to replace them all: hack/restore --replace $name"
  echo "the present tables are dumped first"
  KEEP=0 sh "$scripts/backup.sh"
  saved=$(basename "$(newest)")
fi

# Dropping the database, not its tables, leaves nothing that the dump does not have.
echo "loading $name"
charset=$(query "SELECT CONCAT('CHARACTER SET ', @@character_set_database, ' COLLATE ', @@collation_database)")
query "DROP DATABASE \`$MYSQL_DATABASE\`; CREATE DATABASE \`$MYSQL_DATABASE\` $charset"
gzip --decompress --stdout "$file" | client "$MYSQL_DATABASE" ||
  fail "loading failed, and the database is incomplete: repeat it${saved:+, or restore $saved, which is what was there before}"

# The comparison is byte by byte. A write in the meantime makes it fail: stop the writers first.
wanted=$(gzip --decompress --stdout "$file" | contents | sha256sum)
found=$(sh "$scripts/backup.sh" print | contents | sha256sum)
for table in $(tables); do
  echo "$table: $(query "SELECT COUNT(*) FROM \`$table\`") rows"
done
[ "$wanted" = "$found" ] || fail "the database differs from the dump: was something written meanwhile?"
echo "restored $name: all tables and rows are those of the dump"
