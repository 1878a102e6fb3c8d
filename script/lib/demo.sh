# shellcheck shell=bash
# The tenant `demo`, made through the same API that everybody uses, and the file demo.env that says how to reach it.

demo_app_id=''
demo_api_key=''
demo_identity_application=''
demo_client=''
demo_web_id=''
demo_found_client=''

# api METHOD PATH TOKEN [BODY]: leaves the answer in api_status and api_body. Token and body go through pipes: arguments are public.
api() {
  local reply options=(-sS -m 20 -X "$1" -w '\n%{http_code}')
  [[ -z ${idempotency_key:-} ]] || options+=(-H "Idempotency-Key: $idempotency_key")
  reply=$(curl "${options[@]}" -H @<(printf 'Authorization: Bearer %s\n' "$3") ${4:+--json @<(printf '%s' "$4")} "$url$2") ||
    reply=$'\n000'
  api_status=${reply##*$'\n'}
  api_body=${reply%$'\n'*}
}

# expect STATUS WHAT: stops when the last answer is another one.
expect() {
  [[ $api_status == "$1" ]] || die "could not $2: $api_status $api_body"
}

# The miniapp and the website of the demo: made up once, kept, and given to the simulator at each of its starts as its seed.
demo_app() {
  local folder=$data/demo app_secret web_secret
  demo_app_id=$(keep_secret "$folder/app-id" printf 'wx%s\n' "$(random_hex 8)")
  app_secret=$(keep_secret "$folder/app-secret" random_hex 16)
  demo_web_id=$(keep_secret "$folder/web-app-id" printf 'wx%s\n' "$(random_hex 8)")
  web_secret=$(keep_secret "$folder/web-app-secret" random_hex 16)
  write_secret "$folder/simulator-seed.json" "$(jq -n --arg id "$demo_app_id" --arg secret "$app_secret" \
    --arg web_id "$demo_web_id" --arg web_secret "$web_secret" \
    '{apps: [{appid: $id, secret: $secret, kind: "miniapp", open_platform_account: "demo"},
      {appid: $web_id, secret: $web_secret, kind: "web", open_platform_account: "demo"}]}')"
}

# A simulator that somebody else started learns of them here. Never WeChat itself: that one speaks https.
register_demo_app() {
  [[ $wechat_url == http://* ]] || return 0
  local index
  for index in 0 1; do
    curl -s -m 5 -o /dev/null --json @<(jq -c ".apps[$index]" "$data/demo/simulator-seed.json") "$wechat_url/_sim/apps" || true
  done
}

# The tenant itself. Asked again after a break in the middle, the API gives the key once more because of the idempotency key,
# which is forgotten as soon as the API key is safe: a tenant made anew after a deletion is another one.
demo_tenant() {
  local operator idempotency_key
  operator=$(setting QIAO_OPERATOR_TOKEN)
  api GET /v1/tenants/demo "$operator"
  if [[ $api_status == 404 || -s $data/demo/idempotency-key ]]; then
    idempotency_key=$(keep_secret "$data/demo/idempotency-key" random_hex 16)
    api POST /v1/tenants "$operator" '{"slug":"demo","name":"Demo"}'
    expect 201 "create the tenant demo"
    write_secret "$data/demo/api-key" "$(jq -r .api_key.key <<<"$api_body")"
    rm -f "$data/demo/idempotency-key"
  else
    expect 200 "look for the tenant demo"
  fi
  demo_api_key=$(cat "$data/demo/api-key" 2>/dev/null) ||
    die "the tenant demo exists, but its API key is not in $data/demo: delete the tenant (DELETE /v1/tenants/demo) and start again"
}

# found FIELD VALUE: the id of the item of the last list whose FIELD is VALUE, or nothing.
found() {
  jq -r --arg value "$2" "[.items[] | select(.$1 == \$value) | .id][0] // empty" <<<"$api_body"
}

demo_resources() {
  api GET '/t/demo/v1/identity-applications?limit=200' "$demo_api_key"
  expect 200 "list the identity applications of demo"
  demo_identity_application=$(found slug demo)
  if [[ -z $demo_identity_application ]]; then
    api POST /t/demo/v1/identity-applications "$demo_api_key" '{"name":"Demo","slug":"demo"}'
    expect 201 "create the identity application demo"
    demo_identity_application=$(jq -r .id <<<"$api_body")
  fi
  demo_wechat_client wechat_miniapp "Demo miniapp" "$demo_app_id" "$data/demo/app-secret"
  demo_client=$demo_found_client
  demo_wechat_client wechat_web "Demo website" "$demo_web_id" "$data/demo/web-app-secret"
}

# demo_wechat_client PROVIDER NAME APPID SECRET-FILE: leaves the id of the client, made if need be, in demo_found_client.
demo_wechat_client() {
  api GET '/t/demo/v1/third-party-authz-clients?limit=200' "$demo_api_key"
  expect 200 "list the third-party authz clients of demo"
  demo_found_client=$(found app_id "$3")
  [[ -z $demo_found_client ]] || return 0
  api POST /t/demo/v1/third-party-authz-clients "$demo_api_key" "$(jq -n \
    --arg application "$demo_identity_application" --arg provider "$1" --arg name "$2" --arg id "$3" \
    --arg secret "$(cat "$4")" '{
      name: $name, identity_application_id: $application, provider: $provider,
      app_id: $id, app_secret: $secret, open_platform_account: "demo"
    }')"
  expect 201 "create the client $2"
  demo_found_client=$(jq -r .id <<<"$api_body")
}

# variable NAME VALUE: a line for a shell, quoted only where that is needed.
variable() {
  if [[ $2 =~ ^[A-Za-z0-9_./:@%+,=-]*$ ]]; then
    printf '%s=%s\n' "$1" "$2"
  else
    printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"
  fi
}

write_demo_env() {
  write_secret "$data/demo.env" "$(
    variable QIAO_URL "$url"
    variable QIAO_OPERATOR_TOKEN "$(setting QIAO_OPERATOR_TOKEN)"
    variable QIAO_DATABASE_URL "$QIAO_DATABASE_URL"
    variable QIAO_ADMIN_DATABASE_URL "$QIAO_ADMIN_DATABASE_URL"
    variable DEMO_TENANT demo
    variable DEMO_API_KEY "$demo_api_key"
    variable DEMO_IDENTITY_APPLICATION "$demo_identity_application"
    variable DEMO_MINIAPP_CLIENT "$demo_client"
    variable WECHAT_SIM_URL "$wechat_url"
  )"
}

make_demo() {
  demo_tenant
  demo_resources
  write_demo_env
}

# What to try. The lines work as they are in a new shell, also for somebody who is known already.
print_demo() {
  cat <<READY

Qiao is ready.

  API         $url    (management API of the tenant: $url/t/demo/v1/…, operator API: $url/v1/tenants)
  issuer      $issuer
  metrics     $(local_url "$metrics_listen")/metrics
  WeChat      $wechat_url
  logs        $data/logs
  settings    $data/demo.env    (addresses, keys and ids of the demo, mode 0600)

Try a first login. In another shell, first:

  . $(printf %q "$data/demo.env")

(1) a person opens the miniapp, and WeChat gives it a login code:

  CODE=\$(curl -s "\$WECHAT_SIM_URL/_sim/codes" -d '{"appid":"$demo_app_id","user":"alice"}' | jq -r .code); echo "\$CODE"

(2) the miniapp shows the code to Qiao, which does not know the person yet and hands out a bind ticket:

  REPLY=\$(curl -s "\$QIAO_URL/t/demo/federation/wechat/miniapp/profile" --json "{\"client_id\":\"\$DEMO_MINIAPP_CLIENT\",\"code\":\"\$CODE\"}"); jq . <<<"\$REPLY"

(3) the person agrees, a user is made, and the ID token of it is checked against the keys the issuer publishes:

  { jq -e 'select(.id_token)' <<<"\$REPLY" || curl -s "\$QIAO_URL/t/demo/federation/wechat/miniapp/bindUser" --json "{\"client_id\":\"\$DEMO_MINIAPP_CLIENT\",\"bind_ticket\":\$(jq .bind_ticket <<<"\$REPLY"),\"profile\":{\"nickname\":\"Alice\"}}"; } | jq -r .id_token | $(printf %q "$programs/qiao") verify --issuer "$issuer"

(4) the same person in a browser: open the account page, choose WeChat, and allow it as alice on the simulator's page; they are the
user of step 3, and somebody new is asked whether to make an account:

  $issuer/account

Ctrl-C stops everything; the data stays for the next start.
READY
}
