#include "label.h"

#include <string.h>

const char *const sensitivity_names[] = {"public", "internal", "confidential", "restricted", NULL};

const char *sensitivity_name(sensitivity s) {
    return sensitivity_names[s];
}

bool sensitivity_named(const char *text, size_t len, sensitivity *out) {
    for (int i = SENSITIVITY_PUBLIC; i <= SENSITIVITY_RESTRICTED; i++) {
        if (strlen(sensitivity_names[i]) == len && memcmp(sensitivity_names[i], text, len) == 0) {
            *out = (sensitivity)i;
            return true;
        }
    }
    return false;
}

item_label label_join(item_label a, item_label b) {
    return (item_label){a.untrusted || b.untrusted, a.level > b.level ? a.level : b.level};
}

bool label_within(item_label l, item_label bound) {
    return (bound.untrusted || !l.untrusted) && l.level <= bound.level;
}

const char *label_words(item_label l) {
    static const char *const words[2][4] = {
        {"trusted and public", "trusted and internal", "trusted and confidential",
         "trusted and restricted"},
        {"untrusted and public", "untrusted and internal", "untrusted and confidential",
         "untrusted and restricted"},
    };
    return words[l.untrusted][l.level];
}
