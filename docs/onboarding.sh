#!/usr/bin/env bash
# A business from nothing to its first answered visitor, by the HTTP API alone. Needs bash, curl and Python 3.
#
#   BOB_MAIL_DIR=mails BOB_MAIL_FROM=bob@example.com BOB_ADMIN_PASSWORD='…' \
#     cargo run --release -p bob-server     # in one terminal
#   BOB_MAIL_DIR=mails BOB_ADMIN_PASSWORD='…' bash docs/onboarding.sh               # in another
set -euo pipefail

bob=${BOB:-http://127.0.0.1:8080}
admin_email=${BOB_ADMIN_EMAIL:-admin@office16852.com}
admin_password=${BOB_ADMIN_PASSWORD:?the password of the platform owner}
mails=${BOB_MAIL_DIR:?the folder into which the server puts its mails}
slug=${1:-bakery-$RANDOM$RANDOM}
origin=https://$slug.example
owner_password="three loaves and a half"

# field NAME.NAME… of the JSON on standard input
field() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda found, name: found[int(name) if name.isdigit() else name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"; }

# call METHOD PATH TOKEN [BODY] [HEADER…]; ends the script with what the server said when it refuses
call() {
  local method=$1 path=$2 token=$3 body=${4:-}
  shift $(($# > 4 ? 4 : $#))
  local arguments=(-sS --fail-with-body -X "$method" "$bob$path")
  [[ -z $token ]] || arguments+=(-H "Authorization: Bearer $token")
  [[ -z $body ]] || arguments+=(-H 'Content-Type: application/json' --data "$body")
  local header
  for header in "$@"; do arguments+=(-H "$header"); done
  curl "${arguments[@]}" || { echo "$method $path was refused" >&2; exit 1; }
}

echo "1. The platform's owner signs in."
admin=$(call POST /api/auth/login '' "{\"email\": \"$admin_email\", \"password\": \"$admin_password\"}" | field token)

echo "2. They make $slug: the business, its owner, a persona, a widget key for $origin, and its plan's first credits."
made=$(call POST /api/onboarding "$admin" "{
  \"tenant\": {\"slug\": \"$slug\", \"name\": \"The Bakery\", \"languages\": [\"en\"], \"plan\": \"Starter\"},
  \"owner\": {\"email\": \"berta@$slug.example\", \"name\": \"Berta\"},
  \"origins\": [\"$origin\"]
}" "Idempotency-Key: onboarding-of-$slug")
key=$(field widget_key.key <<<"$made")
tenant=$(field tenant.id <<<"$made")
echo "   embed: $(field embed.html <<<"$made")"

echo "3. Berta follows the link in her mail and chooses a password."
mail=$(grep -l "berta@$slug.example" "$mails"/*.eml | tail -n 1)
link=$(python3 -c 'import email, re, sys; text = email.message_from_file(open(sys.argv[1])).get_payload(decode=True).decode(); print(re.search(r"https?://\S+#\S+", text)[0])' "$mail")
call POST /api/auth/invitation '' "{\"token\": \"${link##*[#=]}\", \"password\": \"$owner_password\"}"
berta=$(call POST /api/customers/auth/login '' "{\"email\": \"berta@$slug.example\", \"password\": \"$owner_password\"}" | field token)

echo "4. She writes down what she stands by, and publishes it."
text=$(call POST /api/customer-portal/knowledge "$berta" '{
  "title": "Opening hours", "body": "The bakery is open from 6 in the morning until noon, every day but Monday.",
  "questions": ["When are you open?"], "language": "en"
}' | field id)
call POST "/api/customer-portal/knowledge/$text/submit" "$berta" >/dev/null
call POST "/api/customer-portal/knowledge/$text/approve" "$berta" >/dev/null

echo "5. A visitor of $origin asks."
answer=$(call POST "/api/widget/$tenant/chat" '' '{"message": "When are you open?"}' "X-Widget-Key: $key" "Origin: $origin")
echo "   $(field outcome <<<"$answer"): $(field reply <<<"$answer")"
echo "   from: $(field citations.0.title <<<"$answer")"
[[ $(field outcome <<<"$answer") == answered ]]

echo "6. All first steps that this script takes are done:"
call GET /api/customer-portal/onboarding "$berta" | python3 -c '
import json, sys
for item in json.load(sys.stdin)["items"]:
    print("   [{}] {}".format("x" if item["done"] else " ", item["step"]))'
