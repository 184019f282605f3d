/* Which questions may be asked, and which values answer them. */
#include "question.h"

#include <math.h>
#include <string.h>

/* Text that a person is shown: not empty, not too long, and, of one that is chosen, nothing that two
 * could differ in without anybody seeing it. */
static bool is_text(keel_json v, size_t most, bool one_line) {
    keel_buf text = KEEL_BUF_INIT;
    bool good = keel_json_string(v, &text) && text.len > 0 && text.len <= most;
    size_t blank = 0;
    for (size_t i = 0; good && i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        good = c && !(one_line && (c < ' ' || c == 0x7f));
        blank += c == ' ' || c == '\n' || c == '\t' || c == '\r';
    }
    good = good && blank < text.len &&
           !(one_line && (text.data[0] == ' ' || text.data[text.len - 1] == ' '));
    keel_buf_free(&text);
    return good;
}

static bool same(keel_json a, keel_json b) {
    return a.len == b.len && a.len && memcmp(a.data, b.data, a.len) == 0; /* canonical */
}

static const char *choices_wrong(keel_json choices) {
    size_t count = 0;
    if (keel_json_typeof(choices) != KEEL_JSON_ARRAY || keel_json_count(choices) < 2 ||
        keel_json_count(choices) > QUESTION_CHOICES) {
        return "choices are a list of 2 to 20 texts";
    }
    for (keel_json_iter it = keel_json_each(choices); keel_json_next(&it); count++) {
        size_t before = 0;
        if (!is_text(it.value, QUESTION_CHOICE, true)) {
            return "a choice is one line of up to 200 bytes without blanks around it";
        }
        for (keel_json_iter b = keel_json_each(choices); before < count && keel_json_next(&b);
             before++) {
            if (same(b.value, it.value)) {
                return "two of its choices are the same";
            }
        }
    }
    return NULL;
}

question_kind question_kind_of(keel_json args) {
    keel_json kind = keel_json_get(args, "kind");
    if (keel_json_get(args, "choices").len) {
        return QUESTION_IS_CHOICE;
    }
    return keel_json_is(kind, "yes_no")   ? QUESTION_IS_YES_NO
           : keel_json_is(kind, "number") ? QUESTION_IS_NUMBER
                                          : QUESTION_IS_TEXT;
}

static const char *kind_wrong(keel_json args) {
    static const char *const kinds[] = {"text", "yes_no", "number"};
    keel_json kind = keel_json_get(args, "kind"), choices = keel_json_get(args, "choices");
    bool known = !kind.len;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        known = known || keel_json_is(kind, kinds[i]);
    }
    if (!known) {
        return "its kind is text, yes_no or number";
    }
    if (choices.len && kind.len) {
        return "with choices it has no kind: one of them is the answer";
    }
    return choices.len ? choices_wrong(choices) : NULL;
}

static const char *time_wrong(keel_json args) {
    keel_json expires = keel_json_get(args, "expires_us"), other = keel_json_get(args, "default");
    int64_t us;
    if (expires.len && (!keel_json_int(expires, &us) || us < 0 || us >= INT64_MAX / 4)) {
        return "it expires at a time from now on";
    }
    if (other.len && !expires.len) {
        return "a default takes a time at which the question expires";
    }
    return other.len && answer_wrong(args, other) ? "its default answers no such question" : NULL;
}

const char *question_wrong(keel_json args) {
    static const char *const members[] = {"choices", "default",  "evidence", "expires_us",
                                          "kind",    "question", "why"};
    if (keel_json_typeof(args) != KEEL_JSON_OBJECT) {
        return "its arguments are an object";
    }
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
        bool known = false;
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            known = known || keel_json_is(it.key, members[i]);
        }
        if (!known) {
            return "it has a member that no question has";
        }
    }
    if (!is_text(keel_json_get(args, "question"), QUESTION_TEXT, false)) {
        return "a question is a text of 1 to 4,000 bytes";
    }
    if (keel_json_get(args, "why").len &&
        !is_text(keel_json_get(args, "why"), QUESTION_TEXT, false)) {
        return "its why is a text of 1 to 4,000 bytes";
    }
    if (keel_json_get(args, "evidence").len > QUESTION_EVIDENCE) {
        return "its evidence has more than 256 KiB";
    }
    const char *why = kind_wrong(args);
    return why ? why : time_wrong(args);
}

/* ---- answers ---- */

static bool is_choice(keel_json args, keel_json value) {
    bool found = false;
    for (keel_json_iter it = keel_json_each(keel_json_get(args, "choices")); keel_json_next(&it);) {
        found = found || same(it.value, value);
    }
    return found;
}

const char *answer_wrong(keel_json args, keel_json value) {
    double number;
    switch (question_kind_of(args)) {
    case QUESTION_IS_CHOICE:
        return is_choice(args, value) ? NULL : "it is none of the choices";
    case QUESTION_IS_YES_NO:
        return keel_json_typeof(value) == KEEL_JSON_BOOL ? NULL : "the answer is yes or no";
    case QUESTION_IS_NUMBER:
        return keel_json_typeof(value) == KEEL_JSON_NUMBER && keel_json_double(value, &number) &&
                       isfinite(number)
                   ? NULL
                   : "the answer is a number";
    case QUESTION_IS_TEXT:
        break;
    }
    return is_text(value, QUESTION_ANSWER, false) ? NULL
                                                  : "the answer is a text of 1 to 16,000 bytes";
}
