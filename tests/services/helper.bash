# What the tests against real servers share. Run by `./dev test --only mail`, which puts `keel` into PATH
# and names the build in KEEL_BUILD.

rig_here=$(cd "$BATS_TEST_DIRNAME/../rigs" && pwd)
. "$rig_here/common.sh"
. "$rig_here/mail.sh"

own_home() {
    export HOME=$BATS_FILE_TMPDIR/home XDG_STATE_HOME=$BATS_FILE_TMPDIR/state TZ=UTC LC_ALL=C.UTF-8 NO_COLOR=1
    unset EMAIL MAIL COLUMNS VISUAL EDITOR
    mkdir -p "$HOME"
}

# mail_workspace FOLDER: one account on the rig, one agent that sends and reads, a rule that allows it.
mail_workspace() {
    rig_load
    mkdir -p "$1/agents/clerk" "$1/policies"
    cat >"$1/keel.yaml" <<YAML
version: 1
connections:
  mail:
    use: com.keel.mail@0.1
    config:
      imap: "${2:-imaps://localhost:$imaps}"
      smtp: "${3:-smtps://localhost:$smtps}"
      from: "Ada Owner <$owner@test.local>"
      arrive_s: 5
    auth: { kind: sasl-plain, user: $owner, password: { secret: mail-password } }
    tls: { ca: "$RIG_DIR/ca.pem" }
    private: true
YAML
    cat >"$1/policies/mail.yaml" <<'YAML'
version: 1
rules:
  - { id: mail, on: mail.*, agents: [clerk], allow: {} }
YAML
    printf 'id: com.example.clerk\nkind: agent\nversion: 1.0.0\nname: clerk\nentry: clerk.lua\n' \
        >"$1/agents/clerk/manifest.yaml"
    cat >"$1/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"

local function read_all(mail)
  local ids, cursor, pages = {}, nil, 0
  repeat
    local page, err = mail.read("message", { limit = 2, cursor = cursor })
    if not page then return { stopped = err.code } end
    for _, item in ipairs(page.items) do ids[#ids + 1] = item.id end
    cursor, pages = page.next, pages + 1
  until not page.more
  return { ids = ids, pages = pages }
end

return keel.agent { run = function(ctx, input)
  local mail = ctx.use("mail")
  if not input.to then
    return read_all(mail)
  end
  local sent, err = mail.write(input.draft and "draft" or "message",
    { to = input.to, cc = input.cc, subject = input.subject, body = string.rep("A line.\n", 2000) })
  return sent and { id = sent.id } or { stopped = err.code }
end }
LUA
    (cd "$1" && printf '%s' "$secret" | keel -q secret set mail-password)
}

# kernel_pid FOLDER
kernel_pid() {
    sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$1/.status"
}

start_kernel() {
    keel -C "$1" --json up --detach >"$1/.status"
}

# Ends a kernel that a failed test has left: by the process id that it told.
stop_kernel() {
    if keel -C "$1" down >/dev/null 2>&1; then
        return 0
    fi
    pid=$(kernel_pid "$1" 2>/dev/null)
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
}

# kill_child FOLDER NAME: kill -9 of the kernel's processes of that name.
kill_child() {
    for pid in $(pgrep -P "$(kernel_pid "$1")" -x "$2"); do
        kill -9 "$pid" 2>/dev/null || true
    done
}

# all_ended SECONDS: no run is open any more. A list that could not be read is none.
all_ended() {
    for _ in $(seq "$1"); do
        open=$(keel run list --open --json) && [ -z "$open" ] && return 0
        sleep 1
    done
    keel run list >&2
    tail -n 40 .keel/keel.log >&2
    return 1
}

# What became of each mail, one a line: done or not_done, and the Message-ID that it has or would have.
outcomes() {
    for run in $(keel run list --json | sed -n 's/.*"run":\([0-9]*\).*/\1/p' | sort -un); do
        keel run show "$run" --json | awk '
            match($0, /"key":"[0-9a-f]*"/) && /message.write/ { key = substr($0, RSTART + 7, RLENGTH - 8) }
            match($0, /"kind":"effect.(done|not_done|unknown)"/) && /message.write/ {
                last = substr($0, RSTART + 15, RLENGTH - 16) }
            END { if (key != "") print last, "keel." key "@test.local" }'
    done
}

has() {
    case $output in
    *"$1"*) return 0 ;;
    esac
    printf 'no "%s" in:\n%s\n' "$1" "$output" >&2
    return 1
}
