/* Letters and the scripts that they are of, and which letters look like which: a small table of our
 * own, with facts of Unicode's confusables, for the scripts whose letters pass for Latin ones. Pure. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

typedef enum script {
    SCRIPT_COMMON, /* digits, signs, marks: of all */
    SCRIPT_LATIN,
    SCRIPT_GREEK,
    SCRIPT_CYRILLIC,
    SCRIPT_ARMENIAN,
    SCRIPT_HEBREW,
    SCRIPT_ARABIC,
    SCRIPT_CHEROKEE,
    SCRIPT_EAST_ASIAN, /* Han, Kana, Hangul, Bopomofo: written together */
    SCRIPT_STYLED,     /* full width, mathematical, circled: letters in disguise */
    SCRIPT_OTHER,
    SCRIPT_COUNT
} script;

script script_of(int32_t cp);
const char *script_name(script s); /* "Cyrillic" */

/* Appends what a text looks like, in small ASCII letters where it looks like such. Two texts that a
 * reader takes for the same have the same skeleton. */
void script_skeleton(keel_buf *out, const char *text, size_t len);

#endif
