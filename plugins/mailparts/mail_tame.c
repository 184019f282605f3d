#include <string.h>
#include <strings.h>

#include "mail.h"

/* GMime reads groups of addresses ("name: a@b.example;") by recursion, one level a colon, and a
 * message within a message by another. RFC 5322 has no groups in groups, and nobody forwards a
 * hundred times; whatever goes deeper is made harmless before GMime sees it, wherever it stands,
 * since an attached message has headers too. */
#define GROUP_LIMIT  100
#define NESTED_LIMIT 100

static const char *const address_headers[] = {
    "From:",
    "To:",
    "Cc:",
    "Bcc:",
    "Reply-To:",
    "Sender:",
    "Resent-From:",
    "Resent-To:",
    "Resent-Cc:",
    "Resent-Bcc:",
    "Resent-Reply-To:",
    "Resent-Sender:",
    "Disposition-Notification-To:",
    "Return-Receipt-To:",
};

static size_t line_length(const char *line, size_t len) {
    const char *end = memchr(line, '\n', len);
    return end != NULL ? (size_t)(end - line) + 1 : len;
}

/* GMime takes blanks between a header's name and its colon as well. */
static bool is_header(const char *line, size_t len, const char *name) {
    size_t n = strlen(name) - 1;
    if (len <= n || strncasecmp(line, name, n) != 0) {
        return false;
    }
    while (n < len && (line[n] == ' ' || line[n] == '\t')) {
        n++;
    }
    return n < len && line[n] == ':';
}

static bool is_address_header(const char *line, size_t len) {
    for (size_t i = 0; i < sizeof address_headers / sizeof *address_headers; i++) {
        if (is_header(line, len, address_headers[i])) {
            return true;
        }
    }
    return false;
}

/* The lines of one header: continuations begin with a blank. */
static size_t header_length(const char *line, size_t len) {
    size_t end = line_length(line, len);
    while (end < len && (line[end] == ' ' || line[end] == '\t')) {
        end += line_length(line + end, len - end);
    }
    return end;
}

static void tame_groups(char *header, size_t len) {
    size_t colons = 0;
    for (size_t i = 0; i < len; i++) {
        if (header[i] == ':' && ++colons > GROUP_LIMIT) {
            header[i] = ' ';
        }
    }
}

/* Whether a Content-Type is of something that holds other parts. */
static bool nests(const char *header, size_t len) {
    for (size_t i = 0; i + 9 <= len; i++) {
        if (strncasecmp(header + i, "message/", 8) == 0 ||
            strncasecmp(header + i, "multipart", 9) == 0) {
            return true;
        }
    }
    return false;
}

void mail_tame(char *bytes, size_t len) {
    size_t nested = 0;
    for (size_t at = 0; at < len;) {
        char *line = bytes + at;
        size_t used = line_length(line, len - at);
        if (is_address_header(line, used)) {
            used = header_length(line, len - at);
            tame_groups(line, used);
        } else if (is_header(line, used, "Content-Type:")) {
            used = header_length(line, len - at);
            if (nests(line, used) && ++nested > NESTED_LIMIT) {
                memset(line, 'X', 7);
            }
        }
        at += used;
    }
}
