#!/bin/sh
# embed.sh NAME FILE: FILE's text as a C array, so that the SQL is read and changed as SQL.
set -eu
printf 'extern const char %s[];\nconst char %s[] = {\n' "$1" "$1"
od -An -v -tu1 "$2" | sed 's/ \{1,\}\([0-9]\{1,\}\)/\1,/g'
printf '0};\n'
