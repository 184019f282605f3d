#include "records.h"

#include "private.h"

const char *record_kind_name(record_kind k) {
    switch (k) {
#define RECORD_NAME(id, name, text)                                                                \
    case RECORD_##name:                                                                            \
        return text;
        RECORD_KINDS(RECORD_NAME)
#undef RECORD_NAME
    }
    return NULL;
}

const char *record_failpoint(record_kind kind, enum record_point point) {
    static const char *const names[RECORD_KIND_MAX][3] = {
#define RECORD_POINTS(id, name, text)                                                              \
    [id] = {"journal." text ".append", "journal." text ".before_commit",                           \
            "journal." text ".after_commit"},
        RECORD_KINDS(RECORD_POINTS)
#undef RECORD_POINTS
    };
    return (unsigned)kind < RECORD_KIND_MAX ? names[kind][point] : NULL;
}
