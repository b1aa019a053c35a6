# preStop hook: asks the agent to hand the primary's role over and to leave the group, and waits at most 20 s until
# it has. Without the agent, mysqld leaves the group when it stops.
run=/var/run/mysqld
touch "$run/leave"
waited=0
while [ ! -e "$run/left" ] && [ "$waited" -lt 40 ]; do
  sleep 0.5
  waited=$((waited + 1))
done
