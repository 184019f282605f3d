#include "given.h"

void given_label(const options *o, keel_json_writer *w) {
    const char *level = options_value(o, "sensitivity");
    if (level) {
        keel_json_set_text(w, "sensitivity", level);
    }
    if (options_has(o, "untrusted")) {
        keel_json_set_bool(w, "untrusted", true);
    }
}
