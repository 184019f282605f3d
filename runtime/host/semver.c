/* Versions as semver.org 2.0 has them. The texts come from manifests, which were checked. */
#include <stdlib.h>
#include <string.h>

#include "library.h"

/* A number of any length without leading zeros: the longer is the larger. */
static int compare_digits(const char *a, size_t alen, const char *b, size_t blen) {
    if (alen != blen) {
        return alen < blen ? -1 : 1;
    }
    return memcmp(a, b, alen);
}

static bool is_number(const char *s, size_t len) {
    return len > 0 && strspn(s, "0123456789") >= len;
}

/* Numbers come before words, a word before a longer word that begins with it. */
static int compare_part(const char *a, size_t alen, const char *b, size_t blen) {
    bool anum = is_number(a, alen);
    bool bnum = is_number(b, blen);
    if (anum && bnum) {
        return compare_digits(a, alen, b, blen);
    }
    if (anum != bnum) {
        return anum ? -1 : 1;
    }
    int order = memcmp(a, b, alen < blen ? alen : blen);
    return order ? order : (alen > blen) - (alen < blen);
}

/* Dotted parts up to `end` characters; fewer parts come first. */
static int compare_dotted(const char *a, const char *b, const char *end) {
    for (;;) {
        size_t alen = strcspn(a, end);
        size_t blen = strcspn(b, end);
        size_t apart = strcspn(a, ".");
        size_t bpart = strcspn(b, ".");
        apart = apart < alen ? apart : alen;
        bpart = bpart < blen ? bpart : blen;
        int order = compare_part(a, apart, b, bpart);
        if (order || (a[apart] != '.' && b[bpart] != '.')) {
            return order;
        }
        if (a[apart] != '.' || b[bpart] != '.') {
            return a[apart] == '.' ? 1 : -1;
        }
        a += apart + 1;
        b += bpart + 1;
    }
}

static const char *prerelease(const char *version) {
    version += strcspn(version, "-+");
    return *version == '-' ? version + 1 : NULL;
}

bool semver_prerelease(const char *version) {
    return prerelease(version) != NULL;
}

int semver_compare(const char *a, const char *b) {
    int order = compare_dotted(a, b, "-+");
    if (order) {
        return order;
    }
    const char *apre = prerelease(a);
    const char *bpre = prerelease(b);
    if (!apre != !bpre) {
        return apre ? -1 : 1;
    }
    order = apre ? compare_dotted(apre, bpre, "+") : 0;
    return order ? order : strcmp(a, b);
}

/* "+dev.000001.0123456789ab", or with a dot where the author's own build stands before it. */
size_t semver_author(const char *version) {
    size_t len = strlen(version);
    const char *build = strchr(version, '+'), *at = len > 24 ? version + len - 24 : NULL;
    bool ours = at && build && at >= build && (at == build || *at == '.') &&
                memcmp(at + 1, "dev.", 4) == 0 && strspn(at + 5, "0123456789") == 6 &&
                at[11] == '.' && strspn(at + 12, "0123456789abcdef") == 12;
    return ours ? len - 24 : len;
}

bool semver_matches(const char *version, const char *wanted) {
    size_t len = strlen(wanted);
    if (strncmp(version, wanted, len) != 0) {
        return false;
    }
    size_t dots = 0;
    for (const char *p = wanted; *p; p++) {
        dots += *p == '.';
    }
    char next = version[len];
    return next == 0 || next == '+' || (next == '.' && dots < 2);
}
