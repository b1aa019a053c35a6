{{- /* my.cnf. What the agent depends on, then what a value may change. */}}
{{- define "mysql.config" -}}
[mysqld]
datadir = /var/lib/mysql/data
socket = /var/run/mysqld/mysqld.sock
pid_file = /var/run/mysqld/mysqld.pid
tmpdir = /tmp
plugin_load_add = auth_socket.so
plugin_load_add = mysql_clone.so
plugin_load_add = group_replication.so

# A member takes no writes until the group makes it the primary; the agent starts replication.
super_read_only = ON
skip_replica_start = ON
group_replication_start_on_boot = OFF
group_replication_bootstrap_group = OFF

# Nothing that was acknowledged is lost with a process or a node.
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
log_bin = binlog
relay_log = relay
gtid_mode = ON
enforce_gtid_consistency = ON
# Group Replication finds rows by their primary key, and InnoDB alone replicates.
sql_require_primary_key = ON
disabled_storage_engines = MyISAM,BLACKHOLE,FEDERATED,ARCHIVE,MEMORY

# The group talks over the port that clients use, so that one port is all a mesh has to know.
group_replication_communication_stack = MYSQL
group_replication_single_primary_mode = ON
# The primary alone proposes. Else each member has its turns, and one that is slow, as while it joins, is waited for.
# All members must have the same value; another takes a start of the whole group.
group_replication_paxos_single_leader = ON
# 5 s without a word make a member suspected, and out. More than 0 would be 15 s: only that often are
# suspicions looked at again. The side without majority ends its own part a second later.
group_replication_member_expel_timeout = 0
group_replication_unreachable_majority_timeout = 1
# Out of the group, a member ends its clients' connections and takes none, until the agent has it in again.
group_replication_exit_state_action = OFFLINE_MODE
group_replication_autorejoin_tries = 0
# A new primary answers nobody before it has applied all that the former one acknowledged.
group_replication_consistency = BEFORE_ON_PRIMARY_FAILOVER
# The group's own messages, in memory: the least there can be, instead of 1 GiB.
group_replication_message_cache_size = 134217728
group_replication_recovery_reconnect_interval = 5
group_replication_components_stop_timeout = 15

# TLS everywhere; the members know each other by their CA.
require_secure_transport = ON
ssl_ca = /etc/mysql-tls/ca.crt
ssl_cert = /etc/mysql-tls/tls.crt
ssl_key = /etc/mysql-tls/tls.key
group_replication_ssl_mode = VERIFY_CA
group_replication_recovery_use_ssl = ON
group_replication_recovery_ssl_ca = /etc/mysql-tls/ca.crt
group_replication_recovery_ssl_verify_server_cert = OFF
clone_ssl_ca = /etc/mysql-tls/ca.crt

# No file import or export, and no X protocol: nothing here uses them.
secure_file_priv = NULL
loose_mysqlx = OFF
# In a mesh every client comes from one address: no name lookups, and no blocking of that address.
skip_name_resolve = ON
max_connect_errors = 1000000
character_set_server = utf8mb4
collation_server = utf8mb4_0900_ai_ci
default_time_zone = +00:00
{{- range $name, $value := .Values.settings }}
{{ $name }} = {{ kindIs "float64" $value | ternary (int64 $value) $value }}
{{- end }}
{{- end }}
