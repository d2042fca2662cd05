#!/bin/sh
# The namespace, how long ended workflows stay visible, and the search attributes of workflows/contracts.ts. Safe to run
# again. Address, TLS and API key of Temporal: the variables of its own command line (TEMPORAL_ADDRESS, TEMPORAL_TLS_…).
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}
temporal operator namespace describe -n "$namespace" >/dev/null 2>&1 || temporal operator namespace create -n "$namespace"
# Until then a workflow id cannot start again.
temporal operator namespace update -n "$namespace" --retention 720h
for attribute in Modality:Keyword UserId:Int Model:Keyword Provider:Keyword OrderNo:Keyword; do
  temporal operator search-attribute create -n "$namespace" --name "${attribute%%:*}" --type "${attribute##*:}" ||
    echo "${attribute%%:*} exists already"
done
