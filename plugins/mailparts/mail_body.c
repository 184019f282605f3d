#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail.h"

#define DECODE_LIMIT (256u << 10) /* bytes of one text part that are converted */

typedef struct walk {
    mail *mail;
    keel_buf plain;
    keel_buf html;
    size_t parts;
} walk;

/* Reads a part's decoded bytes: the first `keep` into out. Returns how many there are in all. */
static int64_t decode(GMimePart *part, keel_buf *out, size_t keep) {
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (content == NULL) {
        return 0;
    }
    GMimeStream *raw = g_mime_data_wrapper_get_stream(content);
    GMimeStream *stream = g_mime_stream_filter_new(raw);
    GMimeFilter *filter = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), filter);
    g_mime_stream_reset(raw);
    char piece[8192];
    int64_t total = 0;
    ssize_t n;
    while ((n = g_mime_stream_read(stream, piece, sizeof piece)) > 0) {
        size_t room = out->len < keep ? keep - out->len : 0;
        keel_buf_append(out, piece, (size_t)n < room ? (size_t)n : room);
        total += n;
    }
    g_object_unref(filter);
    g_object_unref(stream);
    return total;
}

static void add_file(mail *m, const char *name, const char *type, int64_t size) {
    if (m->file_count == MAIL_FILES_LIMIT) {
        m->truncated = true;
        return;
    }
    m->files = keel_realloc(m->files, (m->file_count + 1) * sizeof *m->files);
    m->files[m->file_count++] = (mail_file){words_line(name, 200), words_line(type, 100), size};
}

static char *type_name(GMimeObject *object) {
    GMimeContentType *type = g_mime_object_get_content_type(object);
    return type != NULL ? g_mime_content_type_get_mime_type(type) : g_strdup("text/plain");
}

static void add_text(walk *w, GMimePart *part, keel_buf *to) {
    keel_buf raw = KEEL_BUF_INIT;
    if (decode(part, &raw, DECODE_LIMIT) > (int64_t)DECODE_LIMIT) {
        w->mail->truncated = true;
    }
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    if (to->len > 0) {
        keel_buf_putc(to, '\n');
    }
    charset_append(to, charset, raw.data != NULL ? raw.data : "", raw.len, 2 * DECODE_LIMIT);
    keel_buf_free(&raw);
}

static void take_part(walk *w, GMimePart *part) {
    GMimeObject *object = GMIME_OBJECT(part);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char *disposition = g_mime_object_get_disposition(object);
    bool attached = disposition != NULL && strcasecmp(disposition, "attachment") == 0;
    bool text = type == NULL || g_mime_content_type_is_type(type, "text", "*");
    bool html = text && type != NULL && g_mime_content_type_is_type(type, "text", "html");
    const char *name = g_mime_part_get_filename(part);
    if (text && !attached && (name == NULL || html)) {
        add_text(w, part, html ? &w->html : &w->plain);
        return;
    }
    keel_buf none = KEEL_BUF_INIT;
    char *mime = type_name(object);
    add_file(w->mail, name, mime, decode(part, &none, 0));
    keel_buf_free(&none);
    g_free(mime);
}

/* A multipart whose boundary never comes is text after all. */
static void take_prologue(walk *w, GMimeMultipart *multipart) {
    const char *text = g_mime_multipart_get_prologue(multipart);
    if (text != NULL) {
        charset_append(&w->plain, NULL, text, strlen(text), 2 * DECODE_LIMIT);
    }
}

static void take(walk *w, GMimeObject *object, int depth) {
    if (depth > MAIL_DEPTH_LIMIT || ++w->parts > MAIL_PART_LIMIT) {
        w->mail->truncated = true;
        return;
    }
    if (GMIME_IS_MULTIPART(object)) {
        int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        if (count == 0) {
            take_prologue(w, GMIME_MULTIPART(object));
        }
        for (int i = 0; i < count && w->parts <= MAIL_PART_LIMIT; i++) {
            take(w, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1);
        }
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        const char *subject = inner != NULL ? g_mime_message_get_subject(inner) : NULL;
        add_file(w->mail, subject, "message/rfc822", 0);
    } else if (GMIME_IS_PART(object)) {
        take_part(w, GMIME_PART(object));
    }
}

static bool is_blank(const keel_buf *b) {
    for (size_t i = 0; i < b->len; i++) {
        if ((unsigned char)b->data[i] > ' ') {
            return false;
        }
    }
    return true;
}

void mail_body(mail *m, void *object, size_t text_limit) {
    walk w = {.mail = m};
    take(&w, object, 0);
    keel_buf *best = &w.plain;
    keel_buf page = KEEL_BUF_INIT;
    if (is_blank(&w.plain) && !is_blank(&w.html)) {
        keel_buf clean = KEEL_BUF_INIT;
        words_clean(&clean, w.html.data, w.html.len, 2 * DECODE_LIMIT, false);
        html_text(&page, clean.data, clean.len);
        keel_buf_free(&clean);
        best = &page;
    }
    if (best->len > 0 && !words_clean(&m->text, best->data, best->len, text_limit, false)) {
        m->truncated = true;
    }
    keel_buf_free(&page);
    keel_buf_free(&w.plain);
    keel_buf_free(&w.html);
}
