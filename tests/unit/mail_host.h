/* A host for the mailbox connector alone: the tables that plugin.h and fs.h promise, over folders
 * below one temporary folder. */
#ifndef MAIL_HOST_H
#define MAIL_HOST_H

#include <stdbool.h>

#include "keel/buf.h"
#include "keel/fs.h"
#include "keel/json.h"
#include "keel/plugin.h"

typedef struct mail_host {
    keel_host host;
    keel_fs fs;
    bool no_fs;
    char root[64];
    void *owned[4096]; /* freed after each verb */
    size_t owned_count;
    void *kept[64]; /* freed at the end */
    size_t kept_count;
    keel_buf reply;
    keel_buf failure;
    /* The Nth rename or write (from 1) fails with this, before it does anything. */
    int rename_fails_at, write_fails_at;
    keel_status rename_failure, write_failure;
    int renames, writes;
    int cancel_after; /* polls of cancelled(); 0: never */
    void *self;
    const keel_connector *plugin;
} mail_host;

void mail_host_begin(mail_host *h);
void mail_host_end(mail_host *h);
/* create with this config; the status. */
keel_status mail_host_create(mail_host *h, const char *config);
/* One verb; JSON may be ordinary. The reply is in h->reply, or the failure in h->failure. */
keel_status mail_host_read(mail_host *h, const char *query);
keel_status mail_host_write(mail_host *h, const char *key, const char *body, uint32_t flags);
keel_status mail_host_reconcile(mail_host *h, const char *key);
/* Files below the root; folders are made. */
void mail_host_put(mail_host *h, const char *path, const char *text);
void mail_host_move(mail_host *h, const char *from, const char *to);
bool mail_host_has(mail_host *h, const char *path);
void mail_host_text(mail_host *h, const char *path, keel_buf *out);
size_t mail_host_count(mail_host *h, const char *folder);

#endif
