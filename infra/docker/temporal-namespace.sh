#!/bin/sh
# The namespace, how long ended workflows stay visible, and the search attributes of workflows/contracts.ts.
set -eu
temporal operator namespace describe -n default >/dev/null 2>&1 || temporal operator namespace create -n default
temporal operator namespace update -n default --retention 720h
for attribute in Modality:Keyword UserId:Int Model:Keyword Provider:Keyword OrderNo:Keyword; do
  temporal operator search-attribute create -n default --name "${attribute%%:*}" --type "${attribute##*:}" ||
    echo "${attribute%%:*} exists already"
done
