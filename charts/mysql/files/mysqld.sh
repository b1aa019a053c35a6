# Runs mysqld, and starts it again after RESTART and CLONE. These end mysqld with code 16 if MYSQLD_PARENT_PID is the
# process ID of its parent (MySQL manual, RESTART). The container goes on, so that no restart waits for Kubernetes'
# back-off.
run=/var/run/mysqld
restart=16
# Files of the former container: those of its preStop hook, and the lock that a killed mysqld leaves. The process ID in
# it can belong to another process now, and mysqld would refuse to start.
rm -f "$run/leave" "$run/left" "$run/mysqld.sock.lock"

mysqld=
stopped=
trap 'stopped=true; [ -z "$mysqld" ] || kill -TERM "$mysqld"' TERM
export MYSQLD_PARENT_PID=$$
status=$restart
while [ "$status" -eq "$restart" ] && [ -z "$stopped" ]; do
  mysqld "$@" &
  mysqld=$!
  [ -z "$stopped" ] || kill -TERM "$mysqld" # the signal came before the trap knew this process
  status=
  while [ -z "$status" ] || kill -0 "$mysqld" 2>/dev/null; do # a signal ends `wait` early
    wait "$mysqld"
    status=$?
  done
done
exit "$status"
