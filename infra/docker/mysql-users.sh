#!/bin/sh
# The databases of the gateway and of Temporal, and for each a user with rights on nothing else. Safe to run again: the
# passwords become those of .env. MYSQL_HOST is read by the client.
set -eu

# refuse_unless_plain NAME VALUE: in SQL it stands as it is.
refuse_unless_plain() {
  case $2 in
  '' | *[!0-9A-Za-z._-]*)
    echo "$1: only letters, digits, dot, dash and underscore, as openssl rand -hex 32 prints" >&2
    exit 1
    ;;
  root | temporal | temporal_visibility | mysql | sys)
    echo "$1: $2 is not the gateway's own" >&2
    exit 1
    ;;
  esac
}

# user DATABASE USER PASSWORD: statements. In a GRANT an underscore stands for any character unless it is escaped.
user() {
  pattern=
  rest=$1
  while [ "$rest" != "${rest#*_}" ]; do
    pattern="$pattern${rest%%_*}\\_"
    rest=${rest#*_}
  done
  cat <<SQL
CREATE DATABASE IF NOT EXISTS \`$1\` DEFAULT CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '$2'@'%' IDENTIFIED BY '$3';
ALTER USER '$2'@'%' IDENTIFIED BY '$3';
GRANT ALL PRIVILEGES ON \`$pattern$rest\`.* TO '$2'@'%';
SQL
}

refuse_unless_plain TEMPORAL_DB_PASSWORD "$TEMPORAL_DB_PASSWORD"
statements="$(user temporal temporal "$TEMPORAL_DB_PASSWORD") $(user temporal_visibility temporal "$TEMPORAL_DB_PASSWORD")"
# Elsewhere the database is made by whoever runs it.
if [ "${DB_HOST:-mysql}" = mysql ]; then
  refuse_unless_plain DB_NAME "${DB_NAME:=model_service}"
  refuse_unless_plain DB_USER "${DB_USER:=gateway}"
  refuse_unless_plain DB_PASSWORD "$DB_PASSWORD"
  statements="$statements $(user "$DB_NAME" "$DB_USER" "$DB_PASSWORD")"
fi
printf "%s\n" "$statements" | MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root
