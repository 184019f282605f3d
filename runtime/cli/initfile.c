#include "initfile.h"

#include <stdlib.h>
#include <string.h>

#include "keel/json.h"

/* A double-quoted YAML text: JSON's escapes are YAML's too. */
static void quoted(keel_buf *out, const char *text) {
    if (keel_json_quote(out, text, strlen(text)) != 0) {
        keel_buf_puts(out, "\"\"");
    }
}

void initfile_address(const char *sender, keel_buf *out) {
    const char *open = strrchr(sender, '<');
    const char *from = open ? open + 1 : sender;
    size_t len = open ? strcspn(from, ">") : strlen(from);
    keel_buf_puts(out, "");
    if (memchr(from, '@', len)) {
        keel_buf_append(out, from, len);
    }
}

/* "a.example, b.example" as "a.example", "b.example", each behind `prefix` and, when others stand
 * before it, a comma; lower case, without a leading @. */
static void domain_items(keel_buf *out, const char *prefix, const char *domains, size_t count) {
    while (*domains) {
        size_t len = strcspn(domains, ", \t;");
        const char *name = *domains == '@' ? domains + 1 : domains;
        char *one = keel_memdup(name, len - (size_t)(name - domains));
        for (char *p = one; *p; p++) {
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        }
        if (*one) {
            keel_buf item = KEEL_BUF_INIT;
            keel_buf_printf(&item, "%s%s", prefix, one);
            keel_buf_puts(out, count++ ? ", " : "");
            quoted(out, item.data);
            keel_buf_free(&item);
        }
        free(one);
        domains += len + (domains[len] != 0);
    }
}

static void domain_list(keel_buf *out, const char *domains) {
    keel_buf_putc(out, '[');
    domain_items(out, "", domains, 0);
    keel_buf_putc(out, ']');
}

static void source(const init_answers *a, keel_buf *out) {
    keel_buf_puts(
        out,
        "      # Where mail is read from: a Maildir, or a folder with an mbox in it (file: NAME).\n"
        "      # Keel never changes anything there.\n");
    if (!a->mail[0]) {
        keel_buf_puts(out, "      # source: /home/ada/Maildir\n");
        return;
    }
    const char *slash = strrchr(a->mail, '/');
    char *folder = a->mbox ? keel_memdup(a->mail, (size_t)(slash - a->mail) + (slash == a->mail))
                           : keel_strdup(a->mail);
    keel_buf_puts(out, "      source: ");
    quoted(out, folder);
    if (a->mbox) {
        keel_buf_puts(out, "\n      file: ");
        quoted(out, slash + 1);
    }
    keel_buf_putc(out, '\n');
    free(folder);
}

static void mailbox(const init_answers *a, keel_buf *out) {
    keel_buf address = KEEL_BUF_INIT;
    source(a, out);
    keel_buf_puts(out,
                  "      # A Maildir into which approved mail is put; a mail program or a relay\n"
                  "      # sends what lies there.\n      outbox: ");
    quoted(out, a->outbox);
    keel_buf_puts(out, "\n      # Who sends, and which addresses are yours.\n      from: ");
    quoted(out, a->sender);
    initfile_address(a->sender, &address);
    keel_buf_puts(out, "\n      addresses: [");
    quoted(out, address.data);
    domain_items(out, "*@", a->domains, 1); /* mail to hello@ and info@ is the owner's as well */
    keel_buf_puts(
        out,
        "]\n      # true: something else takes mail out of the outbox, so that a mail which is\n"
        "      # not there may have been sent. false: it stays, and \"not there\" is a proof.\n"
        "      drained: true\n");
    keel_buf_free(&address);
}

static void own_addresses(const init_answers *a, keel_buf *out) {
    keel_buf items = KEEL_BUF_INIT;
    keel_buf_puts(&items, "");
    domain_items(&items, "*@", a->domains, 0);
    keel_buf_printf(out, "      # Besides it these addresses are yours.\n      %sown: [%s]\n",
                    items.len ? "" : "# ", items.len ? items.data : "\"info@studio.example\"");
    keel_buf_free(&items);
}

static void copies(const init_answers *a, keel_buf *out) {
    keel_buf_puts(out, "      # The folder of sent mail, where a copy of each mail proves that it "
                       "was sent.\n");
    if (a->sent) {
        keel_buf_puts(out, "      sent: ");
        quoted(out, a->sent);
        keel_buf_putc(out, '\n');
    } else {
        keel_buf_puts(out, "      # sent: Sent\n");
    }
    keel_buf_puts(
        out, a->copies ? "      # The provider puts it there by itself.\n      copy: server\n"
                       : "      # How it gets there. self: sent to yourself as well; server: by "
                         "the provider itself.\n      # copy: self\n");
}

static void account(const init_answers *a, keel_buf *out) {
    keel_buf_puts(out,
                  "      # Where mail is read and sent. imaps and smtps are encrypted from the "
                  "first byte,\n"
                  "      # imap and smtp by STARTTLS. Nothing is marked as read.\n"
                  "      imap: ");
    quoted(out, a->imap);
    keel_buf_puts(out, "\n      smtp: ");
    quoted(out, a->smtp);
    keel_buf_puts(out, "\n      # Who sends.\n      from: ");
    quoted(out, a->sender);
    keel_buf_putc(out, '\n');
    own_addresses(a, out);
    copies(a, out);
    keel_buf_puts(out, "    # The login. The password is no part of this file: `keel secret set "
                       "mail-password`.\n");
    if (a->note) {
        keel_buf_printf(out, "    # %s.\n", a->note);
    }
    keel_buf_puts(out, "    auth: { kind: sasl-plain, user: ");
    quoted(out, a->user);
    keel_buf_puts(out, ", password: { secret: mail-password } }\n");
    if (a->ca) {
        keel_buf_puts(out, "    # Certificates that are trusted besides the system's.\n"
                           "    tls: { ca: ");
        quoted(out, a->ca);
        keel_buf_puts(out, " }\n");
    }
}

void initfile_keel(const init_answers *a, keel_buf *out) {
    keel_buf_puts(out,
                  "# A Keel workspace. `keel policy reload` puts changes of this file into force.\n"
                  "version: 1\n\n# The name that people see.\nname: ");
    quoted(out, a->name);
    keel_buf_printf(
        out,
        "\n\n# What money is counted in. Currencies are never converted.\ncurrency: %s\n\n"
        "# Whose days and months budgets count.\ntimezone: %s\n\n",
        a->currency, a->timezone);
    keel_buf_puts(out, "# How you are told that something waits: a program, the desktop, or a "
                       "mail. `operator` is\n"
                       "# told wherever a policy names nobody; try it: keel notify test operator\n"
                       "# notify:\n#   operator: { desktop: true }\n\n");
    keel_buf_puts(
        out, "# Connections: a connector, configured for one account. Agents and policies call it\n"
             "# by the name on the left.\n");
    keel_buf_printf(out, "connections:\n  inbox:\n    use: %s@0.1\n    config:\n",
                    a->user ? "com.keel.mail" : "com.keel.mailbox");
    (a->user ? account : mailbox)(a, out);
}

/* ---- the policy ---- */

static bool starts(const char *text, size_t len, const char *word) {
    return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* `own_domains: [...]` gets the answers; other lines stay. */
static bool domains_line(const init_answers *a, const char *line, size_t len, keel_buf *out) {
    const char *at = memmem(line, len, "own_domains:", 12);
    const char *hash = memchr(line, '#', len);
    if (!at || (hash && hash < at)) {
        return false;
    }
    const char *open = memchr(at, '[', len - (size_t)(at - line));
    const char *close = open ? memchr(open, ']', len - (size_t)(open - line)) : NULL;
    if (!close) {
        return false;
    }
    keel_buf_append(out, line, (size_t)(open - line));
    domain_list(out, a->domains);
    keel_buf_append(out, close + 1, len - (size_t)(close + 1 - line));
    return true;
}

static size_t money_at(const char *line, size_t len) {
    const char *limit = memmem(line, len, "limit:", 6);
    if (!limit) {
        return len;
    }
    size_t at = (size_t)(limit - line) + 6;
    at += strspn(line + at, " ");
    size_t digits = strspn(line + at, "0123456789.");
    size_t code = at + digits + 1;
    bool money = digits && code + 3 <= len && line[code - 1] == ' ' &&
                 strspn(line + code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
    return money ? code : len;
}

static size_t zone_at(const char *line, size_t len) {
    const char *tz = memmem(line, len, "tz: ", 4);
    const char *hash = memchr(line, '#', len);
    return tz && !(hash && hash < tz) ? (size_t)(tz - line) + 4 : len;
}

static void budget_line(const init_answers *a, const char *line, size_t len, keel_buf *out) {
    size_t money = money_at(line, len), zone = zone_at(line, len), at = 0;
    bool comment = starts(line + strspn(line, " "), len - strspn(line, " "), "#");
    while (at < len) {
        if (at == money && !comment) {
            keel_buf_puts(out, a->currency);
            at += 3;
        } else if (at == zone) {
            keel_buf_puts(out, a->timezone);
            at += strcspn(line + at, " ,}\n\r");
        } else {
            keel_buf_putc(out, line[at++]);
        }
    }
}

void initfile_policy(const init_answers *a, const char *text, size_t len, keel_buf *out) {
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) + 1 : len - at;
        if (!domains_line(a, text + at, n, out)) {
            budget_line(a, text + at, n, out);
        }
        at += n;
    }
}
