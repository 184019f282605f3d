/* com.keel.mail: a mail account by IMAP and SMTP. This file is the plugin's face; README.md beside it
 * says what the verbs take and give. */
#include "keel/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "account.h"

static keel_status prepare(const keel_host *host) {
    (void)host;
    mail_warm();
    return KEEL_OK;
}

static keel_status create(const keel_host *host, keel_span config, void **self) {
    account *a = host->alloc(host->ctx, sizeof *a);
    char problem[ACCOUNT_PROBLEM] = "";
    a->host = host;
    a->stream = host->get_service(host->ctx, KEEL_STREAM_SERVICE);
    a->clock = host->get_service(host->ctx, KEEL_CLOCK_SERVICE);
    imap_init(&a->session, host, a->stream);
    if (account_configure(a, keel_json_view(config.data, config.len), problem) != 0) {
        account_finish(a);
        return account_fail(a, NULL, KEEL_E_INVALID, "%s", problem);
    }
    if (a->stream == NULL || a->clock == NULL) {
        account_finish(a);
        return account_fail(a, NULL, KEEL_E_DENIED,
                            "a mail account speaks to servers, and no address is granted: set "
                            "`imap` and `smtp` in the connection's config");
    }
    *self = a;
    return KEEL_OK;
}

static void destroy(void *self) {
    account_finish(self);
}

typedef keel_status verb(account *a, keel_call *call, const keel_request *r);

static keel_status choose(void *self, keel_call *call, const keel_request *r, verb *message,
                          verb *draft) {
    account *a = self;
    const char *name = r->resource.data;
    size_t len = r->resource.len;
    verb *v = len == 7 && memcmp(name, "message", 7) == 0 ? message
              : len == 5 && memcmp(name, "draft", 5) == 0 ? draft
                                                          : NULL;
    if (v == NULL) {
        return account_fail(a, call, KEEL_E_NOT_IMPLEMENTED,
                            "a mail account has message (read, write) and draft (write, "
                            "compensate)");
    }
    return v(a, call, r);
}

static keel_status on_read(void *self, keel_call *call, const keel_request *r) {
    return choose(self, call, r, message_read, NULL);
}

static keel_status on_write(void *self, keel_call *call, const keel_request *r) {
    return choose(self, call, r, message_write, draft_write);
}

static keel_status on_reconcile(void *self, keel_call *call, const keel_request *r) {
    if (r->mode != KEEL_MODE_EFFECT) {
        return choose(self, call, r, NULL, NULL);
    }
    return choose(self, call, r, message_reconcile, draft_reconcile);
}

static keel_status on_compensate(void *self, keel_call *call, const keel_request *r) {
    return choose(self, call, r, NULL, draft_compensate);
}

/* ---- what the verbs share ---- */

keel_status account_fail(const account *a, keel_call *call, keel_status status, const char *format,
                         ...) {
    char text[600];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return a->host->fail(a->host->ctx, call, status, text);
}

keel_status account_reply(const account *a, keel_call *call, keel_buf *out) {
    keel_status status = a->host->reply(a->host->ctx, call, (keel_span){out->data, out->len});
    keel_buf_free(out);
    return status;
}

keel_status account_imap_failed(account *a, keel_call *call, imap_result r, const char *doing) {
    if (r == IMAP_NO) {
        return account_fail(a, call, KEEL_E_INVALID, "%s was refused by the IMAP server: %s", doing,
                            a->session.said);
    }
    return account_fail(a, call, KEEL_E_RETRY, "%s: the IMAP server did not answer: %s", doing,
                        a->session.said);
}

keel_status account_begin(account *a, keel_call *call) {
    imap_result r = imap_begin(&a->session, call, a->imap_address);
    if (r == IMAP_OK) {
        return KEEL_OK;
    }
    if (r == IMAP_LOST && a->session.broke == KEEL_E_DENIED) {
        return KEEL_E_DENIED; /* egress has said why */
    }
    return *a->session.said != 0 ? account_imap_failed(a, call, r, "opening the mail account")
                                 : KEEL_E_RETRY;
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
        .compensate = on_compensate,
    };
    static const keel_plugin plugin = {
        .magic = KEEL_ABI_MAGIC,
        .size = sizeof plugin,
        .abi_major = KEEL_ABI_MAJOR,
        .abi_minor = KEEL_ABI_MINOR,
        .kind = KEEL_KIND_CONNECTOR,
        .id = "com.keel.mail",
        .version = "0.1.0",
        .connector = &connector,
    };
    return &plugin;
}
