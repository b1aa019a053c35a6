# Before mysqld is stopped: asks the agent to hand the primary's role over and to leave the group, and waits
# until it has. An agent that does not answer in time is no reason to wait longer: mysqld leaves the group
# by itself when it stops.
run=/var/run/mysqld
touch "$run/leave"
waited=0
while [ ! -e "$run/left" ] && [ "$waited" -lt 40 ]; do
  sleep 0.5
  waited=$((waited + 1))
done
