#!/bin/sh
# The databases of the gateway and of Temporal, and for each a user with rights on nothing else. Safe to run again: the
# passwords become those of .env. MYSQL_HOST is read by the client.
set -eu
for name in DB_PASSWORD TEMPORAL_DB_PASSWORD; do
  eval "password=\$$name"
  case $password in
  '' | *[!0-9A-Za-z._-]*)
    echo "$name: only letters, digits, dot, dash and underscore, as openssl rand -hex 32 prints" >&2
    exit 1
    ;;
  esac
done
# In a GRANT an underscore stands for any character unless it is escaped.
MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root <<SQL
CREATE DATABASE IF NOT EXISTS model_service DEFAULT CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS temporal DEFAULT CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS temporal_visibility DEFAULT CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'gateway'@'%' IDENTIFIED BY '$DB_PASSWORD';
ALTER USER 'gateway'@'%' IDENTIFIED BY '$DB_PASSWORD';
GRANT ALL PRIVILEGES ON \`model\\_service\`.* TO 'gateway'@'%';
CREATE USER IF NOT EXISTS 'temporal'@'%' IDENTIFIED BY '$TEMPORAL_DB_PASSWORD';
ALTER USER 'temporal'@'%' IDENTIFIED BY '$TEMPORAL_DB_PASSWORD';
GRANT ALL PRIVILEGES ON temporal.* TO 'temporal'@'%';
GRANT ALL PRIVILEGES ON \`temporal\\_visibility\`.* TO 'temporal'@'%';
SQL
