{{- /* my.cnf: first what the agent depends on, then the values' settings. */}}
{{- define "mysql.config" -}}
[mysqld]
datadir = /var/lib/mysql/data
socket = /var/run/mysqld/mysqld.sock
pid_file = /var/run/mysqld/mysqld.pid
tmpdir = /tmp
plugin_load_add = auth_socket.so
plugin_load_add = mysql_clone.so
plugin_load_add = group_replication.so

# A member accepts no writes until the group makes it the primary; the agent starts replication.
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

# The group uses the clients' port, so that a mesh has to know only one port.
group_replication_communication_stack = MYSQL
group_replication_single_primary_mode = ON
# Only the primary proposes. By default each member has its turns, and the group waits for one that is slow, as while
# it joins. All members must have the same value; a change needs all of them stopped.
group_replication_paxos_single_leader = ON
# A member that does not respond for 5 s is suspected, and expelled. Any value but 0 would cost up to 15 s, because
# MySQL checks its suspicions only that often. The side without majority ends its own part a second later.
group_replication_member_expel_timeout = 0
group_replication_unreachable_majority_timeout = 1
# A member outside the group ends its clients' connections and takes none, until the agent has let it join again.
group_replication_exit_state_action = OFFLINE_MODE
group_replication_autorejoin_tries = 0
# A new primary answers no client before it has applied all that the former one acknowledged.
group_replication_consistency = BEFORE_ON_PRIMARY_FAILOVER
# Memory for the group's messages: the smallest value, instead of 1 GiB.
group_replication_message_cache_size = 134217728
group_replication_recovery_reconnect_interval = 5
group_replication_components_stop_timeout = 15

# TLS everywhere; the members verify each other by their CA.
require_secure_transport = ON
ssl_ca = /etc/mysql-tls/ca.crt
ssl_cert = /etc/mysql-tls/tls.crt
ssl_key = /etc/mysql-tls/tls.key
group_replication_ssl_mode = VERIFY_CA
group_replication_recovery_use_ssl = ON
group_replication_recovery_ssl_ca = /etc/mysql-tls/ca.crt
group_replication_recovery_ssl_verify_server_cert = OFF
clone_ssl_ca = /etc/mysql-tls/ca.crt

# No file import or export, and no X protocol: neither is used.
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
