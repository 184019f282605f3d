/* Globs and text, without memory of their own. */
#include <string.h>

#include "policyint.h"

static unsigned char lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool same(char a, char b, bool fold) {
    return a == b || (fold && lower((unsigned char)a) == lower((unsigned char)b));
}

/* `?` takes one character, not one byte of it. */
static size_t character(const char *text, size_t len) {
    size_t n = 1;
    while (n < len && ((unsigned char)text[n] & 0xc0) == 0x80) {
        n++;
    }
    return n;
}

/* Goes back to the last `*` only, so it takes at most glob_len * len steps. */
bool text_matches(const char *glob, size_t glob_len, const char *text, size_t len, bool fold) {
    size_t g = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t mark = 0;
    while (t < len) {
        if (g < glob_len && glob[g] == '*') {
            star = g++;
            mark = t;
        } else if (g < glob_len && glob[g] == '?') {
            g++;
            t += character(text + t, len - t);
        } else if (g < glob_len && same(glob[g], text[t], fold)) {
            g++;
            t++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (g < glob_len && glob[g] == '*') {
        g++;
    }
    return g == glob_len;
}

bool target_matches(const char *glob, const char *target) {
    for (;;) {
        size_t g = strcspn(glob, ".");
        size_t t = strcspn(target, ".");
        if (glob[g] == 0 && g == 1 && glob[0] == '*') {
            return true;
        }
        if (!text_matches(glob, g, target, t, false)) {
            return false;
        }
        if (glob[g] == 0 || target[t] == 0) {
            return glob[g] == target[t];
        }
        glob += g + 1;
        target += t + 1;
    }
}

bool text_equal(const char *a, size_t alen, const char *b, size_t blen, bool fold) {
    if (alen != blen) {
        return false;
    }
    if (memcmp(a, b, alen) == 0) {
        return true;
    }
    for (size_t i = 0; fold && i < alen; i++) {
        if (lower((unsigned char)a[i]) != lower((unsigned char)b[i])) {
            return false;
        }
    }
    return fold;
}

/* Upper-case ASCII letters of eight bytes at once become lower-case. */
static uint64_t lower_word(uint64_t w) {
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = w & ones * 0x7f;
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t over_z = low + ones * (0x80 - 'Z' - 1);
    return w | ((from_a & ~over_z & ~w & ones * 0x80) >> 2);
}

/* Eight bytes at a time: this runs for each name of each decision. */
static uint64_t last_word(const char *text, size_t len) {
    uint64_t w = 0;
    if (len >= 8) {
        memcpy(&w, text + len - 8, 8);
        return w;
    }
    for (size_t i = 0; i < len; i++) {
        w = w << 8 | (unsigned char)text[i];
    }
    return w;
}

static uint64_t mix(uint64_t h, uint64_t w, bool fold) {
    h = (h ^ (fold ? lower_word(w) : w)) * 0x9fb21c651e98df25u;
    return h ^ h >> 32;
}

uint64_t text_hash(const char *text, size_t len, bool fold) {
    uint64_t h = 0x9e3779b97f4a7c15u ^ len;
    for (size_t i = 0; i + 8 < len; i += 8) {
        uint64_t w;
        memcpy(&w, text + i, 8);
        h = mix(h, w, fold);
    }
    return mix(h, last_word(text, len), fold);
}

static bool names_undo(const char *on) {
    const char *verb = strrchr(on, '.');
    return verb && strcmp(verb, ".compensate") == 0;
}

static bool some_name_undo(policy_rule *const *rules, size_t count, const char *agent,
                           const char *target) {
    for (size_t i = 0; i < count; i++) {
        const policy_rule *r = rules[i];
        for (size_t k = 0; k < r->on_count; k++) {
            if (!r->guard && names_undo(r->on[k]) && rule_covers(r, agent, target)) {
                return true;
            }
        }
    }
    return false;
}

bool policy_names_undo(const policy *p, const char *agent, const char *target) {
    return some_name_undo(p->rules, p->rule_count, agent, target);
}

bool shadow_names_undo(const policy *p, const char *agent, const char *target) {
    return some_name_undo(p->shadows, p->shadow_count, agent, target);
}

bool entry_covers(const char *const *on, size_t on_count, const char *const *agents,
                  size_t agent_count, const char *agent, const char *target) {
    bool named = agent_count == 0;
    for (size_t i = 0; !named && i < agent_count; i++) {
        named = strcmp(agents[i], agent) == 0;
    }
    for (size_t i = 0; named && i < on_count; i++) {
        if (target_matches(on[i], target)) {
            return true;
        }
    }
    return false;
}

bool rule_covers(const policy_rule *r, const char *agent, const char *target) {
    return entry_covers(r->on, r->on_count, r->agents, r->agent_count, agent, target);
}
