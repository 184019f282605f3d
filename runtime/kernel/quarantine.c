/* Quarantine: a run that reads what strangers wrote, and out of which only closed values come (closed.h).
 * Who waits for it is told a result that fits its schema, or that there is none; what it says itself,
 * errors included, stays in its own record. A rule may endorse the schema: then the result is trusted,
 * for the agents of that rule and as long as the rule is as it was. */
#include <string.h>

#include "closed.h"
#include "parts.h"

int quarantine_asked(keel_json args, keel_buf *schema, char *why, size_t size) {
    keel_json wanted = keel_json_get(args, "quarantine"), returns = keel_json_get(args, "returns");
    closed_fault f;
    if (!wanted.len && !returns.len) {
        return 0;
    }
    if (!keel_json_true(wanted) || !returns.len) {
        snprintf(why, size,
                 "quarantine and returns belong together: { quarantine = true, returns = "
                 "{ urgent = \"bool\" } }");
        return -1;
    }
    if (closed_read(returns, schema, &f)) {
        snprintf(why, size, "returns%s%s: %s", f.field[0] ? "/" : "", f.field, f.why);
        return -1;
    }
    return 0;
}

void quarantine_write(const char *schema, const policy_rule *endorses, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (endorses) {
        digest d = policy_rule_digest(endorses);
        keel_json_key(&w, "endorsed");
        keel_json_object(&w);
        keel_json_key(&w, "digest");
        keel_json_hex(&w, d.bytes, DIGEST_SIZE);
        keel_json_set_text(&w, "rule", policy_rule_name(endorses));
        keel_json_object_end(&w);
    }
    keel_json_set_raw(&w, "returns", keel_json_view(schema, strlen(schema)));
    keel_json_object_end(&w);
}

bool quarantine_same(const keel_buf *began, const char *schema) {
    keel_json returns = keel_json_get(keel_json_view(began->data, began->len), "returns");
    return began->len ? returns.len == strlen(schema) && !memcmp(returns.data, schema, returns.len)
                      : !*schema;
}

/* ---- the end ---- */

static void write_outcome(keel_json state, keel_json result, keel_json error, keel_buf *out) {
    keel_buf_puts(out, "{\"ok\":");
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (error.len) {
        keel_json_set_raw(&w, "error", error);
    } else {
        keel_json_set_raw(&w, "result", result);
    }
    keel_json_set_raw(&w, "state", state);
    keel_json_object_end(&w);
    keel_buf_putc(out, '}');
}

static void write_refusal(uint64_t run_id, keel_json state, const closed_fault *f, keel_buf *out) {
    static const char failed[] = "\"failed\"";
    char why[400];
    keel_buf error = KEEL_BUF_INIT;
    int n = snprintf(why, sizeof why,
                     f ? "the result of the quarantined run %llu does not fit its schema: "
                       : "the quarantined run %llu did not end with a result",
                     (unsigned long long)run_id);
    if (f) {
        snprintf(why + n, sizeof why - (size_t)n, "%s%s%s%s", f->field[0] ? "/" : "", f->field,
                 f->field[0] ? " " : "", f->why);
    }
    body_error(&error, "quarantine", NULL, why);
    write_outcome(f ? keel_json_view(failed, sizeof failed - 1) : state, (keel_json){0},
                  keel_json_view(error.data, error.len), out);
    keel_buf_free(&error);
}

static void take_endorser(keel_json quarantine, ending *out) {
    keel_json by = keel_json_get(quarantine, "endorsed");
    char hex[DIGEST_HEX];
    if (by.len && body_text(by, "rule", out->endorsed, sizeof out->endorsed) &&
        (!body_text(by, "digest", hex, sizeof hex) ||
         digest_from_hex(&out->endorser, hex, strlen(hex)))) {
        out->endorsed[0] = 0;
    }
}

void ending_write(keel_json quarantine, uint64_t run_id, keel_json state, keel_json result,
                  keel_json error, ending *out) {
    closed_fault f;
    keel_json schema = keel_json_get(quarantine, "returns");
    if (!quarantine.len) {
        write_outcome(state, result, error, &out->outcome);
    } else if (error.len) {
        write_refusal(run_id, state, NULL, &out->outcome);
    } else if (closed_fits(schema, result, &f)) {
        write_refusal(run_id, state, &f, &out->outcome);
    } else {
        write_outcome(state, result, error, &out->outcome);
        take_endorser(quarantine, out);
    }
}

item_label ending_label(kernel *k, const run *waiter, const ending *end, const char **rule) {
    item_label l = end->label;
    *rule = NULL;
    if (end->endorsed[0] && l.untrusted &&
        policy_still_endorses(k->world.policy, end->endorsed, &end->endorser,
                              waiter->plugin->manifest->name)) {
        *rule = end->endorsed;
        l.untrusted = false;
    }
    return l;
}
