# Whether the checks see what they are there to see: each is shown a fault. Sourced by run.sh.
# shellcheck shell=sh

# sees WHAT PATTERN COMMAND...: the command's words contain the pattern.
sees() {
    label=$1
    pattern=$2
    shift 2
    "$@" 2>&1 | grep -q "$pattern" || echo "$label goes unseen"
}

plant() {
    mkdir -p "$(dirname "$1")"
    printf '%b' "$2" >"$1"
}

long_function() {
    printf '%s\nstatic int\nlong_one(int a,\n         int b) {\n' "$1"
    awk 'BEGIN { for (i = 0; i < 60; i++) print "    a += b;" }'
    printf '    return a;\n}\n'
}

check_self() {
    tree=$work/tree
    plant "$tree/sdk/include/keel/buf.h" ''
    plant "$tree/runtime/base/diag.h" '#include "keel/buf.h"\n'
    plant "$tree/runtime/policy/policy.h" '#include "diag.h"\n'
    plant "$tree/runtime/base/up.c" '#include "policy.h"\n'
    plant "$tree/runtime/new/x.h" 'typedef int x;\n'
    plant "$tree/plugins/box/box.c" '#include "keel/buf.h"\n#include "diag.h"\n'
    plant "$tree/sdk/src/way.c" '#include "../include/keel/buf.h"\n'
    (cd "$tree" && find . -name '*.[ch]' | sed 's|^\./||' | xargs awk -f "$lint/layers.awk") \
        >"$work/layers"
    for fault in 'runtime/base/up.c:1: includes policy.h of runtime/policy' \
        'runtime/new/x.h.*no place among the layers' 'plugins/box/box.c:2: includes diag.h' \
        'sdk/src/way.c:1: .*no way up'; do
        sees "layers: $fault" "$fault" cat "$work/layers"
    done
    [ "$(wc -l <"$work/layers")" -eq 4 ] || { echo 'layers sees what is not there:'; cat "$work/layers"; }

    long_function '' >"$work/long.c"
    sees 'a long function' 'long_one() has 64 lines' awk -v limit=60 -f "$lint/functions.awk" "$work/long.c"
    long_function '/* long: a table */' >"$work/excused.c"
    plant "$work/data.c" 'static const int t[] = {\n    1,\n};\n\nint f(void) {\n    return 1;\n}\n'
    awk -v limit=60 -f "$lint/functions.awk" "$work/excused.c" "$work/data.c"

    if command -v luacheck >/dev/null; then
        plant "$work/bad.lua" 'local keel = require "keel"\nreturn keel.agent { run = function(ctx) return os.time(ctx) end }\n'
        sees 'a global that scripts lack' 'bad.lua:2:48: .*os' sh -c \
            "echo '$work/bad.lua' | { . '$lint/tools.sh'; lua_faults; }"
    fi

    plant "$work/sql.c" 'void f(void) {\n    keel_buf_printf(&b, "DELETE FROM run WHERE id = %s",\n        id);\n    prepare("SELECT a FROM b");\n    diag_set(d, 1, "DELETE %s by hand", x);\n}\n'
    sees 'SQL in a format' 'sql.c:2: a statement is put together' awk -f "$lint/sql.awk" "$work/sql.c"
    [ "$(awk -f "$lint/sql.awk" "$work/sql.c" | wc -l)" -eq 1 ] || echo 'sql sees what is not there'
}
