/* message.read: a page of a folder, by UID. Nothing is marked as read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "query.h"

#define PAGE_BYTES (1u << 20)  /* of answer: the page ends when it is fuller */
#define PAGE_LOOK  (24u << 20) /* of mail looked at for one page */
#define BATCH      10          /* messages that are asked for at once */

typedef struct page {
    account *a;
    keel_call *call;
    query q;
    keel_buf out;
    keel_json_writer w;
    char **ids; /* of the items on this page */
    size_t items;
    uint64_t looked;
    uint64_t last; /* the highest UID that was asked for */
    imap_uids found;
    size_t asked; /* of found */
    bool tidies;  /* own copies in this folder go to the sent mail */
    bool again;   /* the folder is not the one that the cursor is of */
    imap_uids copies;
} page;

static bool has_id(const page *p, const char *id) {
    for (size_t i = 0; i < p->items; i++) {
        if (strcmp(p->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* The Message-ID, unless the page has it already: whoever sends a second message with the id of
 * another shall not hide either. */
static const char *choose_id(const page *p, const mail *m) {
    if (*m->message_id != 0 && !has_id(p, m->message_id)) {
        return m->message_id;
    }
    return has_id(p, m->digest) ? NULL : m->digest; /* the same bytes again */
}

static void add(page *p, const mail *m, const imap_message *f) {
    mail_place at = {.id = choose_id(p, m),
                     .size = f->size,
                     .cut = f->size > MAIL_LOOK_LIMIT,
                     .seen = f->seen,
                     .answered = f->answered};
    if (at.id == NULL || (p->q.id != NULL && strcmp(m->message_id, p->q.id) != 0)) {
        return;
    }
    mail_write(&p->w, m, &at, &p->a->owner);
    p->ids = keel_realloc(p->ids, (p->items + 1) * sizeof *p->ids);
    p->ids[p->items++] = keel_strdup(at.id);
}

static bool is_own_copy(const page *p, const mail *m) {
    return p->tidies && letter_is_ours(p->a, m->message_id) && strcasecmp(m->from, p->a->from) == 0;
}

static void on_fetch(void *ctx, wire_scan *s) {
    page *p = ctx;
    imap_message f;
    if (!imap_fetch_parse(s, &f) || !f.has_body) {
        return; /* news of flags, or of what another client does */
    }
    keel_buf bytes = KEEL_BUF_INIT;
    mail m;
    wire_text(&f.body, &bytes);
    p->looked += bytes.len;
    f.size = f.size > bytes.len ? f.size : bytes.len;
    mail_parse(&m, bytes.data != NULL ? bytes.data : "", bytes.len, p->a->text_limit);
    if (is_own_copy(p, &m)) {
        imap_uids_add(&p->copies, f.uid);
    } else {
        add(p, &m, &f);
    }
    mail_finish(&m);
    keel_buf_free(&bytes);
}

static bool is_full(const page *p) {
    return p->items >= p->q.limit || p->out.len >= PAGE_BYTES || p->looked >= PAGE_LOOK ||
           p->a->host->cancelled(p->a->host->ctx, p->call) != 0;
}

/* Batch by batch: what a batch asked for has been answered whole when it ends, in whatever order. */
static imap_result fetch(page *p) {
    imap_result r = IMAP_OK;
    while (r == IMAP_OK && p->asked < p->found.count && !is_full(p)) {
        keel_buf set = KEEL_BUF_INIT;
        size_t left = p->q.limit - p->items;
        size_t batch = left < BATCH ? left : BATCH;
        imap_uids_write(&p->found, p->asked, batch, &set);
        r = imap_run(&p->a->session, on_fetch, p,
                     "UID FETCH %s (UID FLAGS RFC822.SIZE BODY.PEEK[]<0.%u>)", set.data,
                     MAIL_LOOK_LIMIT);
        if (r == IMAP_OK) {
            p->asked = p->asked + batch < p->found.count ? p->asked + batch : p->found.count;
            p->last = p->found.items[p->asked - 1];
        }
        keel_buf_free(&set);
    }
    return r;
}

/* "n:*" gives the last message even where its number is below n. */
static void drop_known(page *p) {
    size_t to = 0;
    for (size_t i = 0; i < p->found.count; i++) {
        if (p->found.items[i] > p->last) {
            p->found.items[to++] = p->found.items[i];
        }
    }
    p->found.count = to;
}

static imap_result search(page *p) {
    keel_buf criteria = KEEL_BUF_INIT;
    if (p->q.has_cursor && p->q.validity == p->a->session.validity) {
        p->last = p->q.uid;
    }
    p->again = p->q.has_cursor && p->q.validity != p->a->session.validity;
    query_criteria(&p->q, p->last, &criteria);
    imap_result r = imap_search(&p->a->session, &p->found, criteria.data);
    keel_buf_free(&criteria);
    drop_known(p);
    return r;
}

static keel_status fill(page *p, const char *folder) {
    keel_status status = account_begin(p->a, p->call);
    if (status != KEEL_OK) {
        return status;
    }
    imap_result r = imap_select(&p->a->session, folder, p->tidies);
    if (r == IMAP_NO) {
        return account_fail(p->a, p->call, KEEL_E_NOT_FOUND,
                            "the folder \"%.100s\" cannot be opened: %s", folder,
                            p->a->session.said);
    }
    r = r == IMAP_OK ? search(p) : r;
    r = r == IMAP_OK ? fetch(p) : r;
    if (r == IMAP_OK && p->copies.count > 0) {
        imap_move(&p->a->session, &p->copies, p->a->sent); /* if it fails, the next read will */
    }
    return r == IMAP_OK ? KEEL_OK : account_imap_failed(p->a, p->call, r, "reading the folder");
}

static keel_status answer(page *p, uint64_t validity) {
    char next[48];
    if (p->q.id != NULL && p->items == 0) {
        return account_fail(p->a, p->call, KEEL_E_NOT_FOUND, "there is no message %.200s", p->q.id);
    }
    query_cursor(next, validity, p->last);
    keel_json_array_end(&p->w);
    keel_json_set_bool(&p->w, "more", p->asked < p->found.count);
    keel_json_set_text(&p->w, "next", next);
    if (p->again) {
        keel_json_set_bool(&p->w, "restarted", true);
    }
    keel_json_object_end(&p->w);
    return p->a->host->reply(p->a->host->ctx, p->call, (keel_span){p->out.data, p->out.len});
}

static void finish(page *p) {
    for (size_t i = 0; i < p->items; i++) {
        free(p->ids[i]);
    }
    free(p->ids);
    imap_uids_free(&p->found);
    imap_uids_free(&p->copies);
    query_finish(&p->q);
    keel_buf_free(&p->out);
}

keel_status message_read(account *a, keel_call *call, const keel_request *r) {
    char problem[QUERY_PROBLEM] = "";
    page p = {.a = a, .call = call};
    keel_status status = KEEL_OK;
    keel_json_write(&p.w, &p.out);
    keel_json_object(&p.w);
    keel_json_key(&p.w, "items");
    keel_json_array(&p.w);
    if (query_parse(&p.q, keel_json_view(r->body.data, r->body.len), problem) != 0) {
        status = account_fail(a, call, KEEL_E_INVALID, "%s", problem);
    }
    const char *folder = p.q.folder != NULL ? p.q.folder : a->folder;
    p.tidies = a->smtp_address != NULL && a->copy == COPY_SELF &&
               strcasecmp(folder, "INBOX") == 0 && strcasecmp(a->sent, "INBOX") != 0;
    if (status == KEEL_OK) {
        status = fill(&p, folder);
    }
    if (status == KEEL_OK) {
        status = answer(&p, a->session.validity);
    }
    finish(&p);
    return status;
}
