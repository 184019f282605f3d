#include <fnmatch.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "mail_format.h"

#define YEAR_2100_US 4102444800000000

static GMimeParserOptions *options;

void mail_warm(void) {
    g_mime_init();
    charset_warm();
    if (options == NULL) {
        static const char *fallback[] = {"utf-8", "windows-1252", NULL};
        options = g_mime_parser_options_new();
        g_mime_parser_options_set_fallback_charsets(options, fallback);
    }
}

static void list_add(mail *m, mail_list *l, char *item) {
    if (*item == 0 || l->count == MAIL_LIST_LIMIT) {
        m->truncated |= *item != 0;
        free(item);
        return;
    }
    l->items = keel_realloc(l->items, (l->count + 1) * sizeof *l->items);
    l->items[l->count++] = item;
}

static void list_finish(mail_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i]);
    }
    free(l->items);
}

/* The addresses of a header, groups opened; names are dropped. */
static void add_addresses(mail *m, mail_list *l, InternetAddressList *from, int depth) {
    int count = from != NULL && depth < 4 ? internet_address_list_length(from) : 0;
    for (int i = 0; i < count && l->count < MAIL_LIST_LIMIT; i++) {
        InternetAddress *a = internet_address_list_get_address(from, i);
        if (INTERNET_ADDRESS_IS_GROUP(a)) {
            add_addresses(m, l, internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)),
                          depth + 1);
        } else {
            const char *addr = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a));
            list_add(m, l, words_line(addr, 320));
        }
    }
    m->truncated |= l->count == MAIL_LIST_LIMIT;
}

static char *first_address(InternetAddressList *from) {
    mail scratch = {0};
    mail_list l = {0};
    add_addresses(&scratch, &l, from, 0);
    char *first = keel_strdup(l.count > 0 ? l.items[0] : "");
    list_finish(&l);
    return first;
}

/* The one plain address that From names; "" where it names several, a group, or none that mail can be
 * sent to as it stands: then nobody is known to have written it. */
static char *only_sender(InternetAddressList *from) {
    bool one = from != NULL && internet_address_list_length(from) == 1;
    InternetAddress *a = one ? internet_address_list_get_address(from, 0) : NULL;
    const char *addr = a != NULL && INTERNET_ADDRESS_IS_MAILBOX(a)
                           ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a))
                           : NULL;
    return keel_strdup(addr != NULL && draft_is_address(addr) ? addr : "");
}

static char *first_name(InternetAddressList *from) {
    if (from == NULL || internet_address_list_length(from) == 0) {
        return keel_strdup("");
    }
    return words_line(internet_address_get_name(internet_address_list_get_address(from, 0)), 200);
}

static char *header_id(GMimeMessage *message, const char *name) {
    char *id = words_unbracket(g_mime_object_get_header(GMIME_OBJECT(message), name), 250);
    if (!words_is_id(id)) {
        *id = 0;
    }
    return id;
}

/* References are ids in brackets with whatever people put between them. */
static void read_references(mail *m, GMimeMessage *message) {
    const char *at = g_mime_object_get_header(GMIME_OBJECT(message), "References");
    while (at != NULL && (at = strchr(at, '<')) != NULL) {
        const char *end = strchr(at, '>');
        if (end == NULL) {
            return;
        }
        char *id = keel_memdup(at + 1, (size_t)(end - at - 1));
        if (words_is_id(id)) {
            list_add(m, &m->references, id);
        } else {
            free(id);
        }
        at = end;
    }
}

static int64_t decode_date(const char *text) {
    GDateTime *date = text != NULL ? g_mime_utils_header_decode_date(text) : NULL;
    if (date == NULL) {
        return -1;
    }
    int64_t us = g_date_time_to_unix(date) * 1000000;
    g_date_time_unref(date);
    return us > 0 && us < YEAR_2100_US ? us : -1;
}

/* What the sender wrote, or else when the last server on the way took it. */
static int64_t date_us(GMimeMessage *message) {
    int64_t us = decode_date(g_mime_object_get_header(GMIME_OBJECT(message), "Date"));
    const char *received = g_mime_object_get_header(GMIME_OBJECT(message), "Received");
    const char *when = us < 0 && received != NULL ? strrchr(received, ';') : NULL;
    return when != NULL ? decode_date(when + 1) : us;
}

static void digest_of(mail *m, const char *bytes, size_t len) {
    char *hex = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, len);
    memcpy(m->digest, "sha256:", 7);
    memcpy(m->digest + 7, hex, 32);
    g_free(hex);
}

static GMimeMessage *construct(const char *bytes, size_t len) {
    GByteArray *copy = g_byte_array_sized_new((guint)len);
    g_byte_array_append(copy, (const guint8 *)bytes, (guint)len);
    mail_tame((char *)copy->data, copy->len);
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(copy);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), TRUE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    g_object_unref(stream);
    return message;
}

static void read_headers(mail *m, GMimeMessage *message) {
    InternetAddressList *from = g_mime_message_get_from(message);
    m->from = first_address(from);
    m->from_name = first_name(from);
    m->sender = only_sender(from);
    m->reply_to = first_address(g_mime_message_get_reply_to(message));
    m->subject = words_line(g_mime_message_get_subject(message), 500);
    m->message_id = header_id(message, "Message-Id");
    m->in_reply_to = header_id(message, "In-Reply-To");
    add_addresses(m, &m->to, g_mime_message_get_to(message), 0);
    add_addresses(m, &m->cc, g_mime_message_get_cc(message), 0);
    read_references(m, message);
    m->date_us = date_us(message);
    mail_marks(m, message);
}

/* Bytes that are no message at all: what can be read of them is the text. */
static void set_raw(mail *m, const char *bytes, size_t len, size_t text_limit) {
    char **const texts[] = {&m->message_id, &m->from,    &m->from_name,  &m->sender,
                            &m->reply_to,   &m->subject, &m->in_reply_to};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = keel_strdup("");
    }
    words_clean(&m->text, bytes, len, text_limit, false);
    m->truncated = true;
}

void mail_parse(mail *m, const char *bytes, size_t len, size_t text_limit) {
    *m = (mail){.date_us = -1};
    m->list = keel_strdup("");
    m->bulk = keel_strdup("");
    m->automatic = keel_strdup("");
    keel_buf_puts(&m->text, "");
    if (len > MAIL_LOOK_LIMIT) {
        len = MAIL_LOOK_LIMIT;
        m->truncated = true;
    }
    digest_of(m, bytes, len);
    GMimeMessage *message = construct(bytes, len);
    if (message == NULL) {
        set_raw(m, bytes, len, text_limit);
        return;
    }
    read_headers(m, message);
    GMimeObject *part = g_mime_message_get_mime_part(message);
    if (part != NULL) {
        mail_body(m, part, text_limit);
    }
    g_object_unref(message);
}

void mail_finish(mail *m) {
    char *const texts[] = {m->message_id, m->from,        m->from_name, m->sender, m->reply_to,
                           m->subject,    m->in_reply_to, m->list,      m->bulk,   m->automatic};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    list_finish(&m->to);
    list_finish(&m->cc);
    list_finish(&m->references);
    for (size_t i = 0; i < m->file_count; i++) {
        free(m->files[i].name);
        free(m->files[i].type);
    }
    free(m->files);
    keel_buf_free(&m->text);
    *m = (mail){0};
}

bool mail_owner_is(const mail_owner *o, const char *address) {
    for (size_t i = 0; *address != 0 && i < o->count; i++) {
        if (fnmatch(o->patterns[i], address, FNM_CASEFOLD | FNM_NOESCAPE) == 0) {
            return true;
        }
    }
    return false;
}
