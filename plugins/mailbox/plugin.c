/* com.keel.mailbox: mail from a Maildir or an mbox, and into an outbox Maildir. This file is the
 * plugin's face; README.md beside it says what the verbs take and give. */
#include "keel/plugin.h"

#include <string.h>

#include "box.h"

static keel_status prepare(const keel_host *host) {
    (void)host;
    mail_warm();
    return KEEL_OK;
}

static keel_status create(const keel_host *host, keel_span config, void **self) {
    box *b = host->alloc(host->ctx, sizeof *b);
    b->host = host;
    b->fs = host->get_service(host->ctx, KEEL_FS_SERVICE);
    if (b->fs == NULL) {
        return box_fail(b, NULL, KEEL_E_DENIED,
                        "a mailbox works on files, and no folder is granted: set `source` and "
                        "`outbox` in the connection's config");
    }
    char problem[BOX_PROBLEM] = "";
    if (box_configure(b, keel_json_view(config.data, config.len), problem) != 0) {
        box_finish(b);
        return box_fail(b, NULL, KEEL_E_INVALID, "%s", problem);
    }
    *self = b;
    return KEEL_OK;
}

static void destroy(void *self) {
    box_finish(self);
}

static int is_message(const keel_request *r) {
    return r->resource.len == 7 && memcmp(r->resource.data, "message", 7) == 0;
}

static keel_status refuse(const box *b, keel_call *call) {
    return box_fail(b, call, KEEL_E_NOT_IMPLEMENTED, "a mailbox has one resource: message");
}

static keel_status on_read(void *self, keel_call *call, const keel_request *r) {
    return is_message(r) ? box_read(self, call, r) : refuse(self, call);
}

static keel_status on_write(void *self, keel_call *call, const keel_request *r) {
    return is_message(r) ? box_write(self, call, r) : refuse(self, call);
}

static keel_status on_reconcile(void *self, keel_call *call, const keel_request *r) {
    return is_message(r) && r->mode == KEEL_MODE_EFFECT ? box_reconcile(self, call, r)
                                                        : refuse(self, call);
}

KEEL_EXPORT const keel_plugin *keel_plugin_entry(void) {
    static const keel_connector connector = {
        .size = sizeof connector,
        .prepare = prepare,
        .create = create,
        .destroy = destroy,
        .read = on_read,
        .write = on_write,
        .reconcile = on_reconcile,
    };
    static const keel_plugin plugin = {
        .magic = KEEL_ABI_MAGIC,
        .size = sizeof plugin,
        .abi_major = KEEL_ABI_MAJOR,
        .abi_minor = 1, /* of later minors it needs nothing */
        .kind = KEEL_KIND_CONNECTOR,
        .id = "com.keel.mailbox",
        .version = "0.1.0",
        .connector = &connector,
    };
    return &plugin;
}
