# Runs mysqld, and starts it again after RESTART and CLONE, which end it with code 16 where it finds its parent's process
# id in MYSQLD_PARENT_PID (MySQL manual, RESTART). So the container goes on, and Kubernetes' back-off has no part in it.
run=/var/run/mysqld
restart=16
# Of the former container: its preStop hook's files, and a lock that a killed mysqld leaves. Its process id can be that
# of another process now, and mysqld would refuse to start.
rm -f "$run/leave" "$run/left" "$run/mysqld.sock.lock"

mysqld=
stopped=
trap 'stopped=true; [ -z "$mysqld" ] || kill -TERM "$mysqld"' TERM
export MYSQLD_PARENT_PID=$$
status=$restart
while [ "$status" -eq "$restart" ] && [ -z "$stopped" ]; do
  mysqld "$@" &
  mysqld=$!
  [ -z "$stopped" ] || kill -TERM "$mysqld"
  status=
  while [ -z "$status" ] || kill -0 "$mysqld" 2>/dev/null; do # a signal ends `wait` early
    wait "$mysqld"
    status=$?
  done
done
exit "$status"
