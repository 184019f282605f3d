/* A backup may name an approver whose passphrase is no longer in force. Whoever may write the files could
 * bring it back; so the one in force has to agree. */
#include "restore_consent.h"

#include <string.h>

#include "approver.h"
#include "text.h"

static const char sql[] = "SELECT name, public_key, salt FROM approver ORDER BY at_us DESC LIMIT 1";

static int take_key(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, 2 * APPROVER_PUBLIC + 1, "%s", v[1] ? v[1] : "");
    return 1;
}

/* The same approver as in the backup? What cannot be read is another one. */
static bool is_same(const char *from, const char *public_key) {
    char kept[2 * APPROVER_PUBLIC + 1] = "";
    keel_buf path = KEEL_BUF_INIT;
    reader *r = NULL;
    diag ignored;
    keel_buf_printf(&path, "%s/keel.db", from);
    if (reader_open(&r, path.data, NULL, &ignored) == 0) {
        (void)reader_query(r, sql, NULL, 0, take_key, kept, &ignored);
        reader_close(r);
    }
    keel_buf_free(&path);
    return strcmp(kept, public_key) == 0;
}

int restore_consent(cli *c, const char *from, diag *d) {
    cli_row now = {0};
    diag none = {0};
    approver_key key;
    if (cli_one(c, sql, NULL, 0, &now, &none) != 0) {
        return 0; /* nobody, or nothing that can be read: that is why one restores */
    }
    int rc = 0;
    if (!is_same(from, now.values[1])) {
        cli_say(c,
                "The backup has another approver, or another passphrase: the one in force has to "
                "agree.");
        if (c->no_input) {
            diag_set(d, DIAG_AUTH,
                     "The passphrase of %s is needed, and --no-input forbids to ask for it.",
                     now.values[0]);
            rc = diag_next(d, "Run `keel restore` in a terminal.");
        } else if (!c->dry_run) {
            rc = approver_unlock(now.values[0], now.values[1], now.values[2], &key, d);
            approver_key_wipe(&key);
        }
    }
    cli_row_free(&now);
    return rc;
}
