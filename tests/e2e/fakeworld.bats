# keel-fakeworld, the scripted outside: what it keeps, how it fails, and that its log is an oracle.

load helper

setup() {
    own_home
    cd "$BATS_TEST_TMPDIR"
    fakeworld=$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld
    cat >script.yaml <<'YAML'
seed: 7
routes:
  - { method: POST, path: /notes, do: create, key: Idempotency-Key, window: 60s, keep: ref }
  - { method: GET, path: /notes, do: list, size: 2 }
  - { method: GET, path: /notes, do: search, query: ref }
  - { method: GET, path: "/notes/{id}", do: get }
  - { method: PUT, path: "/notes/{id}", do: update, need_match: true }
  - { method: DELETE, path: "/notes/{id}", do: delete }
  - { method: GET, path: /pages, do: list, paging: page, as: data }
  - { method: GET, path: /links, do: list, paging: link, size: 1 }
  - { method: POST, path: /links, do: create }
YAML
    begin script.yaml log
}

# begin SCRIPT LOG: the file port may still have what one before has told.
begin() {
    rm -f port
    "$fakeworld" "$1" --log "$2" --end-with-parent >port &
    echo $! >pid
    until_it test -s port
    base=http://127.0.0.1:$(sed -n 1p port)
}

# The same outside, with mail too.
with_mail() {
    kill "$(cat pid)"
    cat >mail.yaml <<'YAML'
users: { me: correct-horse }
smtp: { domain: test.local, size: 4000 }
imap: {}
YAML
    begin mail.yaml mail.log
    smtp=$(sed -n 's/^smtp //p' port)
    imap=$(sed -n 's/^imap //p' port)
}

teardown() {
    [ ! -s pid ] || kill "$(cat pid)" 2>/dev/null || true
}

# ask [CURL OPTION...] PATH: status and body in $output; the exit code is curl's.
ask() {
    path=${!#}
    run curl -s -m 5 -w ' %{http_code}' "${@:1:$#-1}" "$base$path"
}

post() {
    ask -X POST -H "Idempotency-Key: $1" -d "$2" /notes
}

faults() {
    curl -s -f -X POST -d "$1" "$base/_fakeworld/faults" >/dev/null
}

applied() {
    grep -c '"applied":true' log
}

applied_is() {
    [ "$(applied)" -eq "$1" ]
}

@test "creates, gets, searches, updates by version, deletes" {
    post k1 '{"b":1}'
    [ "$output" = '{"b":1,"id":"1","ref":"k1"} 201' ]
    ask /notes/1
    [ "$output" = '{"b":1,"id":"1","ref":"k1"} 200' ]
    ask '/notes?ref=k1'
    [ "$output" = '[{"b":1,"id":"1","ref":"k1"}] 200' ]
    ask '/notes?ref=none'
    [ "$output" = '[] 200' ]
    ask -X PUT -d '{"b":2}' /notes/1
    has ' 428'
    ask -X PUT -H 'If-Match: "2"' -d '{"b":2}' /notes/1
    has ' 412'
    ask -X PUT -H 'If-Match: "1"' -d '{"b":2}' /notes/1
    [ "$output" = '{"b":2,"id":"1"} 200' ]
    ask -X DELETE /notes/1
    [ "$output" = ' 204' ]
    ask /notes/1
    has ' 404'
    [ "$(applied)" -eq 3 ]
}

@test "a key is one effect, with another body it is refused, and forgotten it is two" {
    post k1 '{"b":1}'
    first=$output
    post k1 '{"b":1}'
    [ "$output" = "$first" ]
    post k1 '{"b":2}'
    has ' 422'
    [ "$(applied)" -eq 1 ]
    faults '[{"fault":"forget_keys"}]'
    post k1 '{"b":1}'
    has '"id":"2"'
    [ "$(applied)" -eq 2 ]
}

@test "pages by cursor, number and link" {
    for n in 1 2 3; do post "k$n" '{}'; done
    ask /notes
    has '"next":"2"'
    ask '/notes?cursor=2'
    [ "$output" = '{"items":[{"id":"3","ref":"k3"}],"next":null} 200' ]
    ask '/pages?page=1'
    [ "$output" = '{"data":[],"more":false} 200' ]
    for n in 1 2; do ask -X POST -d '{}' /links; done
    ask -i /links
    has 'Link: </links?from=1>; rel="next"'
    ask -i '/links?from=1'
    lacks 'Link:'
}

# exit code of curl, then whether it was applied
@test "faults before and after it was applied" {
    while read -r fault code times; do
        faults "[{\"fault\":\"$fault\",\"method\":\"POST\"}]"
        before=$(applied || true)
        post "key-$fault" '{}'
        [ "$status" -eq "$code" ] || { echo "$fault: curl $status" >&2; return 1; }
        [ $(($(applied || true) - before)) -eq "$times" ] || { echo "$fault: applied" >&2; return 1; }
    done <<'TABLE'
lost 52 1
refuse_before 52 0
late 52 0
error_after 0 1
status 0 0
cut 18 1
malformed 0 1
wrong_object 0 1
replay_500 0 1
TABLE
}

@test "it hangs, before and after" {
    for fault in hang hang_after; do
        faults "[{\"fault\":\"$fault\"}]"
        run curl -s -m 2 -X POST -d '{}' "$base/notes"
        [ "$status" -eq 28 ]
    done
    [ "$(applied)" -eq 1 ]
}

@test "late is applied later: by its time, or when it is told to" {
    faults '[{"fault":"late","after":"2s"}]'
    post k1 '{}'
    [ "$status" -eq 52 ]
    [ "$(applied || true)" -eq 0 ]
    until_it applied_is 1
    faults '[{"fault":"late","after":"10m"}]'
    post k2 '{}'
    run curl -s -X POST "$base/_fakeworld/late"
    has '"late":0'
    [ "$(applied)" -eq 2 ]
}

@test "answers that are none: twice, dripping, huge, and no HTTP at all" {
    post k1 '{}'
    faults '[{"fault":"double"}]'
    run timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/${base##*:}
        printf 'GET /notes/1 HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n' >&3
        cat <&3"
    [ "$status" -eq 0 ] # the second request ends it, and is answered once
    has 'HTTP/1.1 404'
    [ "$(printf '%s\n' "$output" | grep -c 'HTTP/1.1 200')" -eq 2 ]
    faults '[{"fault":"drip","every":"2ms"}]'
    ask /notes/1
    [ "$output" = '{"id":"1","ref":"k1"} 200' ]
    faults '[{"fault":"huge","mib":3}]'
    run curl -s -o huge "$base/notes/1"
    [ "$(stat -c %s huge)" -gt 3145728 ]
    faults '[{"fault":"malformed","http":true}]'
    ask /notes/1
    [ "$status" -ne 0 ] || has ' 000'
}

@test "a saved 500 is given again for its key" {
    faults '[{"fault":"replay_500"}]'
    post k1 '{}'
    has ' 500'
    post k1 '{}'
    has ' 500'
    [ "$(applied)" -eq 1 ]
}

@test "429 says when to come again" {
    faults '[{"fault":"status","status":429,"retry_after":7}]'
    ask -i /notes
    has 'Retry-After: 7'
    has ' 429'
}

@test "faults by chance follow the seed" {
    faults '[{"fault":"status","chance":0.5}]'
    codes=
    for _ in $(seq 20); do
        ask /notes
        codes="$codes ${output##* }"
    done
    [ "$codes" != "${codes#*200}" ]
    [ "$codes" != "${codes#*503}" ]
    kill "$(cat pid)"
    setup
    faults '[{"fault":"status","chance":0.5}]'
    again=
    for _ in $(seq 20); do
        ask /notes
        again="$again ${output##* }"
    done
    [ "$codes" = "$again" ]
}

@test "the log is lines of canonical JSON, one a request and one a change" {
    post k1 '{"b":1}'
    ask /notes
    [ "$(wc -l <log)" -eq 3 ]
    head -n 1 log | grep -q '^{"applied":true,"at_us":[0-9]*,"body_digest":"[0-9a-f]*","fault":null,"key":"k1","method":"POST","path":"/notes","query":"","status":201}$'
    sed -n 3p log | grep -q '^{"applied":false,.*"method":"GET"'
}

@test "it ends by SIGTERM, and with its parent" {
    kill "$(cat pid)"
    until_it eval '! kill -0 "$(cat pid)"'
    run kill -0 "$(cat pid)"
    [ "$status" -ne 0 ]
}

@test "a script that is wrong is told with its place" {
    printf 'routes:\n  - { method: GET, path: /a, do: lst }\n' >bad.yaml
    run "$fakeworld" bad.yaml
    [ "$status" -eq 2 ]
    has "bad.yaml:2:"
    has "Did you mean 'list'?"
    printf 'routes: []\n' >bad.yaml
    run "$fakeworld" bad.yaml
    has 'there are no routes'
    run curl -s -w '%{http_code}' -X POST -d '[{"fault":"lots"}]' "$base/_fakeworld/faults"
    has 400
    run "$fakeworld"
    [ "$status" -eq 2 ]
    has 'usage: keel-fakeworld'
}

@test "mail: clients of others speak with it, and the log tells what it took and did" {
    with_mail
    run python3 "$BATS_TEST_DIRNAME/mail_client.py" "$smtp" "$imap"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    grep '"applied":true' mail.log | sed 's/.*"method":"\([A-Z]*\)".*/\1/' >changes
    [ "$(paste -s -d ' ' changes)" = 'MESSAGE FETCH APPEND CREATE COPY MOVE STORE EXPUNGE' ]
    head -n 40 mail.log | grep '"applied":true' | head -n 1 | grep -q '^{"applied":true,"at_us":[0-9]*,"copies":2,"digest":"[0-9a-f]*","face":"smtp","fault":null,"from":"me@test.local","key":"a@b","method":"MESSAGE","recipients":\["me+tag@test.local","bea@test.local","x@far.example"\],"status":"250","user":"me"}$'
    ! grep -q 'correct-horse\|Y29ycmVjdC1ob3JzZQ' mail.log
}

@test "mail: several commands at once, and a letter that is put in by hand" {
    with_mail
    run curl -s -f --data-binary $'Message-ID: <h@b>\r\n\r\nby hand' "$base/_fakeworld/mail?to=me@test.local"
    [ "$status" -eq 0 ]
    run curl -s "$base/_fakeworld/mail"
    has '"folder":"INBOX","letters":[{"digest":"'
    has '"flags":[],"id":"h@b","uid":1}],"user":"me"}'
    run timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$smtp
        printf 'EHLO x\r\nAUTH PLAIN AG1lAGNvcnJlY3QtaG9yc2U=\r\nMAIL FROM:<me@test.local>\r\nRCPT TO:<bea@test.local>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n' >&3
        cat <&3"
    [ "$(printf '%s\n' "$output" | grep -c '^2[0-9][0-9] \|^354')" -eq 8 ]
    [ "$(grep -c '"applied":true' mail.log)" -eq 1 ]
}

@test "mail: faults of a face that it does not have are refused, and so are wrong settings" {
    while IFS='|' read -r line says; do
        printf 'smtp: {}\n%s\n' "$line" >bad.yaml
        run "$fakeworld" bad.yaml
        [ "$status" -eq 2 ] || { echo "taken: $line" >&2; return 1; }
        has "$says"
    done <<'TABLE'
faults: [{ face: smtp, fault: forget_keys }]|forget_keys is no fault of smtp
faults: [{ fault: duplicate }]|duplicate is no fault of http
faults: [{ face: imap, fault: cut, to: a@b.example }]|to narrows faults of smtp, and this is one of imap
faults: [{ fault: cut, folder: INBOX }]|Say `face: imap`, or leave folder out.
imap: { without: [IDLE] }|IDLE is neither
imap: { folder: Sent }|Did you mean "folders"?
imap: 7|imap is a map
users: [me]|users is a map of names to passwords
imap: { port: 70000 }|a port is a number
TABLE
}
