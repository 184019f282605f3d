#include "oracle.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "keel/json.h"

static int64_t now_us(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void set_optional(keel_json_writer *w, const char *key, const char *value) {
    keel_json_key(w, key);
    if (value) {
        keel_json_textn(w, value, strlen(value));
    } else {
        keel_json_null(w);
    }
}

static int put(int fd, keel_json_writer *w, keel_buf *out, bool applied) {
    keel_json_object_end(w);
    keel_buf_putc(out, '\n');
    int rc = fd < 0 ? 0 : fsio_write_all(fd, out->data, out->len);
    keel_buf_free(out);
    return rc ? rc : applied && fd >= 0 && fsync(fd) ? -errno : 0;
}

static int line(int fd, const route *r, const request *q, const char *befallen, int status,
                bool applied) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    char key[256];
    bool keyed = r && r->key && request_header(q, r->key, key, sizeof key);
    digest body = digest_of(q->body.data, q->body.len);
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_bool(&w, "applied", applied);
    keel_json_set_int(&w, "at_us", now_us());
    keel_json_key(&w, "body_digest");
    keel_json_hex(&w, body.bytes, DIGEST_SIZE);
    set_optional(&w, "fault", befallen);
    set_optional(&w, "key", keyed ? key : NULL);
    set_optional(&w, "method", q->method);
    set_optional(&w, "path", q->path);
    set_optional(&w, "query", q->query);
    keel_json_set_int(&w, "status", status);
    return put(fd, &w, &out, applied);
}

int oracle_request(int fd, const route *r, const request *q, const char *befallen, int status) {
    return line(fd, r, q, befallen, status, false);
}

int oracle_applied(int fd, const route *r, const request *q, const char *befallen, int status) {
    return line(fd, r, q, befallen, status, true);
}

/* ---- mail ---- */

static void set_digest(keel_json_writer *w, const mail_line *l) {
    keel_json_key(w, "digest");
    if (l->bytes) {
        digest of = digest_of(l->bytes, l->len);
        keel_json_hex(w, of.bytes, DIGEST_SIZE);
    } else {
        keel_json_null(w);
    }
}

static void set_smtp(keel_json_writer *w, const mail_line *l) {
    set_optional(w, "from", l->from);
    set_optional(w, "key", l->key);
    set_optional(w, "method", l->method);
    keel_json_key(w, "recipients");
    keel_json_array(w);
    for (size_t i = 0; i < l->recipient_count; i++) {
        keel_json_textn(w, l->recipients[i], strlen(l->recipients[i]));
    }
    keel_json_array_end(w);
    set_optional(w, "status", l->status);
}

static void set_imap(keel_json_writer *w, const mail_line *l) {
    set_optional(w, "folder", l->folder);
    set_optional(w, "key", l->key);
    set_optional(w, "method", l->method);
    set_optional(w, "status", l->status);
    set_optional(w, "to", l->to);
    keel_json_key(w, "uids");
    keel_json_array(w);
    for (size_t i = 0; i < l->uid_count; i++) {
        keel_json_integer(w, l->uids[i]);
    }
    keel_json_array_end(w);
}

int oracle_mail(int fd, const mail_line *l) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_bool(&w, "applied", l->applied);
    keel_json_set_int(&w, "at_us", now_us());
    if (l->face == FACE_SMTP) {
        keel_json_set_int(&w, "copies", l->copies);
    }
    set_digest(&w, l);
    keel_json_set_text(&w, "face", face_name(l->face));
    set_optional(&w, "fault", l->befallen);
    if (l->face == FACE_SMTP) {
        set_smtp(&w, l);
    } else {
        set_imap(&w, l);
    }
    set_optional(&w, "user", l->user);
    return put(fd, &w, &out, l->applied);
}
