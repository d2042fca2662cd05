#!/bin/sh
# Brings the schema of Temporal's databases in MySQL up to date. Safe to run again.
set -eu
tool="temporal-sql-tool --plugin mysql8 --ep mysql -p 3306 -u temporal"
for part in temporal:temporal temporal_visibility:visibility; do
  database=${part%%:*}
  schema=${part##*:}
  $tool --db "$database" setup-schema -v 0.0 || echo "$database has its schema already"
  $tool --db "$database" update-schema -d "/etc/temporal/schema/mysql/v8/$schema/versioned"
done
