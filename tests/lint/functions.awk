# Functions of `limit` lines or more, from the line of their name to the closing brace, unless the
# comment above says why: /* long: REASON */

FNR == 1 { within = 0; text = ""; excused = comment = 0 }

within {
    if (/^}/) {
        lines = FNR - start + 1
        if (lines >= limit && !excused) {
            printf "%s:%d: %s() has %d lines, and %d are enough\n", FILENAME, start, name, lines,
                limit - 1
        }
        within = 0
        text = ""
        excused = 0
    }
    next
}

/^\/\*/ { comment = 1; excused = /^\/\* long: ./ }
comment {
    if (/\*\//) {
        comment = 0
    }
    next
}
/^$/ { excused = 0; text = ""; next }
/^[#}]/ { text = ""; next }

# A head may stand on several lines; it begins at the left margin.
/^[A-Za-z_]/ { text = $0; start = FNR }
/^[ ]/ && text != "" { text = text $0 }

text ~ /[;=]/ && text !~ /\{$/ { text = ""; next }

text ~ /\{$/ {
    if (text ~ /\(/ && text !~ /=/ && text !~ /^(struct|union|enum|typedef|extern)[ {]*[^(]*\{$/) {
        name = text
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
        within = 1
    } else {
        text = ""
    }
}
