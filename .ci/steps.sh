# What .ci/run and .ci/deep share; sourced by both. A step has a name, a limit in minutes and a command; the first one
# that fails ends the run, and the summary tells how long each took (minutes:seconds).

exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/bob"
tools="$cache/tools"
export cache tools
export CARGO_TARGET_DIR="$cache/target"
export CARGO_TERM_COLOR=never
# Each run compiles the workspace once, so what incremental builds would keep is only ballast.
export CARGO_INCREMENTAL=0
mkdir -p "$CARGO_TARGET_DIR" "$tools"

summary=()
began=$SECONDS
current=""
running=""

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# step NAME LIMIT COMMAND…, where the command may be a function that is exported
step() {
  local name=$1 limit=$2
  from=$SECONDS
  shift 2
  current=$name
  printf '\n==> %s\n' "$name"
  timeout --kill-after=20 "${limit}m" bash -euo pipefail -c '"$@"' bash "$@" &
  running=$!
  wait "$running"
  current=""
  local took=$((SECONDS - from))
  summary+=("$(printf '%7s  %s' "$(minutes $took)" "$name")")
  printf '<== %s: %s min\n' "$name" "$(minutes $took)"
}

note() { summary+=("         $1"); printf '%s\n' "$1"; }

finish() {
  local code=$?
  printf '\n%s\n' "---- minutes ----"
  [[ -z $current ]] || summary+=("$(printf '%7s  %s: FAILED' "$(minutes $((SECONDS - from)))" "$current")")
  ((${#summary[@]})) && printf '%s\n' "${summary[@]}"
  printf '%7s  in all\n' "$(minutes $((SECONDS - began)))"
  if [[ $code -eq 0 ]]; then
    printf '%s: everything passed\n' "$0"
  elif [[ $code -eq 124 || $code -eq 137 ]]; then
    printf '%s: FAILED: "%s" did not end in its time\n' "$0" "$current"
  else
    printf '%s: FAILED: "%s" (exit %s); its last lines stand above\n' "$0" "${current:-setup}" "$code"
  fi
}
trap finish EXIT
trap 'kill "$running" 2>/dev/null || true; exit 130' INT TERM
