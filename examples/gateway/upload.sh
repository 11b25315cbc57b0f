#!/usr/bin/env bash
# Upload images by slots: the bytes go to the store and not through the gateway.
#
#   GATEWAY=http://localhost:8080 TOKEN=… examples/gateway/upload.sh cat.jpg dog.png
#
# Needs curl, jq and file. TOKEN is a JWT with the scopes `upload` and `read`.
set -euo pipefail
: "${GATEWAY:?is where the gateway is}" "${TOKEN:?is a JWT}" "${1:?is an image}"

ask() { # as curl, and show what is wrong
  curl -sS --fail-with-body -H "Content-Type: application/json" "$@" || { echo >&2; exit 1; }
}

# 1. Announce the files. The store will refuse others than these.
files=()
for file; do
  files+=("$(jq -n --arg type "$(file -b --mime-type "$file")" --argjson length "$(wc -c <"$file")" \
    --arg sha256 "$(sha256sum <"$file" | cut -d' ' -f1)" '{contentType: $type, length: $length, sha256: $sha256}')")
done
slots=$(printf '%s\n' "${files[@]}" | jq -s '{uploads: .}' |
  ask -H "Authorization: Bearer $TOKEN" --data @- "$GATEWAY/api/v1/uploads")

at=0
for file; do
  slot=$(jq -c ".uploads[$at]" <<<"$slots")
  at=$((at + 1))

  # 2. Put each file into its slot, by a PUT with the headers or a form of the fields, as the slot says.
  put=()
  if [ "$(jq -r .request.method <<<"$slot")" = PUT ]; then
    while IFS= read -r header; do put+=(-H "$header"); done < <(
      jq -r '.request.headers | to_entries[] | "\(.key): \(.value)"' <<<"$slot")
    put+=(--upload-file "$file")
  else
    while IFS= read -r field; do put+=(--form-string "$field"); done < <(
      jq -r '.request.fields | to_entries[] | "\(.key)=\(.value)"' <<<"$slot")
    put+=(-F "file=@$file")
  fi
  curl -sS --fail-with-body "${put[@]}" "$(jq -r .request.url <<<"$slot")"

  # 3. Complete it, by the slot's own token. To repeat this is safe.
  image=$(ask -X POST --retry 5 -H "Authorization: Bearer $(jq -r .token <<<"$slot")" \
    "$GATEWAY$(jq -r .links.complete <<<"$slot")")

  # 4. Wait for the outputs.
  until jq -e '.phase == "Succeeded" or .phase == "Failed"' <<<"$image" >/dev/null; do
    sleep 1
    image=$(ask -H "Authorization: Bearer $TOKEN" "$GATEWAY$(jq -r .links.self <<<"$image")")
  done
  jq -r --arg file "$file" --arg gateway "$GATEWAY" \
    '"\($file): \(.phase)", (.outputs[] | "  \(.width)x\(.height) \(.format) \($gateway)\(.link)")' <<<"$image"
done
