# SQL that is printed, joined or spelt by a format. Statements (up to their semicolon) are looked at
# as a whole, comments and preprocessor lines apart.

FNR == 1 { text = ""; comment = 0 }
{
    line = $0
    if (comment) {
        if (line !~ /\*\//) { next }
        sub(/^.*\*\//, "", line)
        comment = 0
    }
    gsub(/\/\*[^*]*\*\//, "", line)
    if (line ~ /\/\*/) { comment = 1; sub(/\/\*.*/, "", line) }
    if (line ~ /^#/) { next }
    if (text == "") { start = FNR }
    text = text " " line
    if (line !~ /[;{}]$/) { next }
    if (text ~ /"[^"]*(SELECT|INSERT|REPLACE|UPDATE|DELETE|CREATE|DROP|ATTACH|PRAGMA|BEGIN|VACUUM) /) {
        call = text ~ /(printf|keel_buf_puts|keel_buf_append|keel_buf_putc|strcat|diag_set)[a-z_]*\(/
        if (call && text !~ /(diag_set|diag_next|diag_at|fprintf)/) {
            printf "%s:%d: a statement is put together from pieces\n", FILENAME, start
        } else if (!call && text ~ /(SELECT|INSERT|UPDATE|DELETE)[^"]*%[sdlzuqQw]/) {
            printf "%s:%d: a statement has a format in it\n", FILENAME, start
        }
    }
    text = ""
}
