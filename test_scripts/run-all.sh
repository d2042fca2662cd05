#!/usr/bin/env bash
# Runs all scripts against the running gateway and tells which failed. Arguments choose by path: run-all.sh chat/ jobs/
# PYTHON names a Python that has python/requirements.txt installed; without one those scripts are left out.
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
  sed -n '2,3s/^# //p' "$0"
  exit
fi
source "$(dirname "$0")/settings.sh"
cd "$SCRIPTS"

# These leave the tokens, the key and the balance that all others use.
FIRST=(auth/register.sh auth/login.sh auth/login-root.sh access-keys/create.sh orders/pay-signed.sh)
passed=0
failed=()

run() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "✔ $name"
  else
    failed+=("$name")
    printf '✖ %s\n%s\n' "$name" "$output"
  fi
}

chosen() {
  local part
  [[ $# -gt 1 ]] || return 0
  for part in "${@:2}"; do [[ $1 == *"$part"* ]] && return 0; done
  return 1
}

unset TOKEN ROOT_TOKEN KEY LOGIN_NAME
for script in "${FIRST[@]}"; do run "$script" "./$script"; done
while read -r script; do
  [[ " ${FIRST[*]} " == *" $script "* ]] && continue
  chosen "$script" "$@" && run "$script" "./$script"
done < <(find . -mindepth 2 -name '*.sh' | sed 's|^\./||' | sort)

PYTHON=${PYTHON:-python3}
if "$PYTHON" -c 'import openai, requests' 2>/dev/null; then
  while read -r script; do
    chosen "$script" "$@" && run "$script" env PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$script"
  done < <(find python -name '*.py' ! -name settings.py | sort)
else
  echo "- python/*.py left out: $PYTHON lacks the packages of python/requirements.txt"
fi

echo
[[ ${#failed[@]} -eq 0 ]] || printf 'failed: %s\n' "${failed[@]}"
echo "$passed passed, ${#failed[@]} failed"
[[ ${#failed[@]} -eq 0 ]]
