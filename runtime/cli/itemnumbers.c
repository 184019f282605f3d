#include "itemnumbers.h"

#include <inttypes.h>
#include <string.h>

#include "card.h"
#include "text.h"

static int add_number(numbers *n, int64_t number, diag *d) {
    for (size_t i = 0; i < n->count; i++) {
        if (n->list[i] == number) {
            return 0;
        }
    }
    if (n->count == NUMBERS_MAX) {
        return diag_set(d, DIAG_USAGE, "More than %d items at once.", NUMBERS_MAX);
    }
    n->list[n->count++] = number;
    return 0;
}

static int add_batch(cli *c, const char *batch, numbers *out, diag *d) {
    cli_row row = {0};
    int rc = cli_one(c, "SELECT numbers FROM batch WHERE batch = CAST(? AS INTEGER)", &batch, 1,
                     &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no batch B%s.", batch);
        return diag_next(d, "`keel inbox` shows what waits and fixes batches.");
    }
    if (rc) {
        return rc;
    }
    keel_json list = keel_json_view(row.values[0], strlen(row.values[0]));
    int64_t number;
    for (keel_json_iter it = keel_json_each(list); rc == 0 && keel_json_next(&it);) {
        rc = keel_json_int(it.value, &number) ? add_number(out, number, d) : 0;
    }
    out->from_batch = true;
    cli_row_free(&row);
    return rc;
}

static const char there_sql[] = "SELECT count(*) FROM item WHERE number = CAST(? AS INTEGER)";

int numbers_read(cli *c, const options *o, numbers *out, diag *d) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->arg_count; i++) {
        const char *word = o->args[i];
        int64_t number;
        bool batch = (word[0] == 'B' || word[0] == 'b') && text_number(word + 1, &number);
        if (batch) {
            rc = add_batch(c, word + 1, out, d);
        } else if (text_number(word, &number)) {
            diag unread; /* without a database the kernel is asked, and says what there is */
            rc = add_number(out, number, d);
            if (rc == 0 && cli_reader(c, &unread) == 0 && !cli_number(c, there_sql, word)) {
                rc = card_none(word, d);
            }
        } else {
            diag_set(d, DIAG_USAGE, "\"%s\" is no number of an item and no batch.", word);
            rc = diag_next(d, "Write numbers of `keel inbox`, such as 3 or B2.");
        }
    }
    return rc;
}

void numbers_json(const numbers *n, keel_buf *out) {
    keel_buf_putc(out, '[');
    for (size_t i = 0; i < n->count; i++) {
        keel_buf_printf(out, "%s%" PRId64, i ? "," : "", n->list[i]);
    }
    keel_buf_putc(out, ']');
}
