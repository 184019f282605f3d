#include "mail_format.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

bool draft_sender(const char *text, char **name, char **address) {
    InternetAddressList *list = internet_address_list_parse(NULL, text);
    bool good = false;
    if (list != NULL && internet_address_list_length(list) == 1) {
        InternetAddress *one = internet_address_list_get_address(list, 0);
        const char *addr = INTERNET_ADDRESS_IS_MAILBOX(one)
                               ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))
                               : NULL;
        if (addr != NULL && draft_is_address(addr)) {
            good = true;
            *name = words_line(internet_address_get_name(one), 200);
            *address = keel_strdup(addr);
        }
    }
    if (list != NULL) {
        g_object_unref(list);
    }
    return good;
}

static void add_all(GMimeMessage *message, GMimeAddressType type, const mail_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        g_mime_message_add_mailbox(message, type, NULL, l->items[i]);
    }
}

static void set_ids(GMimeMessage *message, const char *header, const char *const *ids,
                    size_t count) {
    keel_buf b = KEEL_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        keel_buf_printf(&b, "%s<%s>", i > 0 ? " " : "", ids[i]);
    }
    if (b.len > 0) {
        g_mime_object_set_header(GMIME_OBJECT(message), header, b.data, NULL);
    }
    keel_buf_free(&b);
}

static void set_date(GMimeMessage *message, int64_t date_us) {
    GDateTime *date = g_date_time_new_from_unix_utc(date_us / 1000000);
    g_mime_message_set_date(message, date);
    g_date_time_unref(date);
}

/* Whether text can stand in a message as it is: ASCII, no line beyond what RFC 5322 allows. */
static bool is_plain(const char *text) {
    size_t column = 0;
    for (; *text != 0; text++) {
        column = *text == '\n' ? 0 : column + 1;
        if ((unsigned char)*text >= 0x80 || column > 998) {
            return false;
        }
    }
    return true;
}

/* Always UTF-8, and readable on the wire too: as it is, or quoted-printable. */
static void set_body(GMimeMessage *message, const char *body) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, body);
    if (text.len == 0 || text.data[text.len - 1] != '\n') {
        keel_buf_putc(&text, '\n');
    }
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.data, text.len);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    GMimePart *part = g_mime_part_new_with_type("text", "plain");
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, is_plain(text.data)
                                               ? GMIME_CONTENT_ENCODING_7BIT
                                               : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(part));
    g_object_unref(part);
    g_object_unref(content);
    g_object_unref(stream);
    keel_buf_free(&text);
}

void draft_format(keel_buf *out, const mail_draft *d, const char *from_name, const char *from,
                  const char *message_id, int64_t date_us) {
    GMimeMessage *message = g_mime_message_new(TRUE);
    const char *name = *from_name != 0 ? from_name : NULL;
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, name, from);
    add_all(message, GMIME_ADDRESS_TYPE_TO, &d->to);
    add_all(message, GMIME_ADDRESS_TYPE_CC, &d->cc);
    add_all(message, GMIME_ADDRESS_TYPE_BCC, &d->bcc);
    g_mime_message_set_subject(message, d->subject, "utf-8");
    set_date(message, date_us);
    g_mime_message_set_message_id(message, message_id);
    const char *answers = d->in_reply_to;
    set_ids(message, "In-Reply-To", &answers, answers != NULL ? 1 : 0);
    set_ids(message, "References", (const char *const *)d->references.items, d->references.count);
    set_body(message, d->body);
    char *bytes = g_mime_object_to_string(GMIME_OBJECT(message), NULL);
    keel_buf_puts(out, bytes);
    g_free(bytes);
    g_object_unref(message);
}
