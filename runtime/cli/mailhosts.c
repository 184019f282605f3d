#include "mailhosts.h"

#include <string.h>
#include <strings.h>

#include "keel/buf.h"

static const char app_google[] =
    "Google takes no account password here: turn on 2-step verification, make an app password at "
    "https://myaccount.google.com/apppasswords, and use that";
static const char app_apple[] =
    "iCloud takes no Apple password here: make an app-specific password at "
    "https://account.apple.com (Sign-In and Security), and use that";
static const char app_fastmail[] =
    "Fastmail takes no account password here: make an app password (Settings, Privacy & Security, "
    "Manage app passwords) that may use IMAP and SMTP, and use that";
static const char app_yahoo[] =
    "Yahoo takes no account password here: make an app password (Account security, Generate app "
    "password), and use that";
static const char app_zoho[] = "With two-factor login Zoho takes only an app password; and IMAP "
                               "has to be turned on (Settings, "
                               "Mail accounts, IMAP)";
static const char oauth_microsoft[] =
    "Microsoft takes no passwords over IMAP any more: this login needs `auth: { kind: "
    "oauth2-refresh, ... }` in keel.yaml, with an application of yours in their directory";
static const char web_switch[] =
    "IMAP has to be turned on in the web mail first (Settings, POP3/IMAP); with two-factor login "
    "an application password is needed";

/* Domains end with a NULL. */
static const struct provider {
    const char *name;
    const char *domains[10];
    const char *imap, *smtp;
    const char *note, *sent;
    bool copies;
} providers[] = {
    {"Gmail",
     {"gmail.com", "googlemail.com"},
     "imaps://imap.gmail.com:993",
     "smtps://smtp.gmail.com:465",
     app_google,
     "[Gmail]/Sent Mail",
     true},
    {"Outlook",
     {"outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de"},
     "imaps://outlook.office365.com:993",
     "smtp://smtp-mail.outlook.com:587",
     oauth_microsoft,
     "Sent Items",
     true},
    {"Microsoft 365",
     {"office365.com", "onmicrosoft.com"},
     "imaps://outlook.office365.com:993",
     "smtp://smtp.office365.com:587",
     oauth_microsoft,
     "Sent Items",
     true},
    {"iCloud",
     {"icloud.com", "me.com", "mac.com"},
     "imaps://imap.mail.me.com:993",
     "smtp://smtp.mail.me.com:587",
     app_apple,
     "Sent Messages",
     false},
    {"Fastmail",
     {"fastmail.com", "fastmail.fm"},
     "imaps://imap.fastmail.com:993",
     "smtps://smtp.fastmail.com:465",
     app_fastmail,
     NULL,
     false},
    {"GMX",
     {"gmx.de", "gmx.net", "gmx.at", "gmx.ch"},
     "imaps://imap.gmx.net:993",
     "smtps://mail.gmx.net:465",
     web_switch,
     "Gesendet",
     false},
    {"GMX",
     {"gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"},
     "imaps://imap.gmx.com:993",
     "smtps://mail.gmx.com:465",
     web_switch,
     NULL,
     false},
    {"WEB.DE",
     {"web.de"},
     "imaps://imap.web.de:993",
     "smtp://smtp.web.de:587",
     web_switch,
     "Gesendet",
     false},
    {"Posteo",
     {"posteo.de", "posteo.net", "posteo.eu"},
     "imaps://posteo.de:993",
     "smtps://posteo.de:465",
     NULL,
     NULL,
     false},
    {"mailbox.org",
     {"mailbox.org"},
     "imaps://imap.mailbox.org:993",
     "smtps://smtp.mailbox.org:465",
     NULL,
     NULL,
     false},
    {"IONOS",
     {"ionos.de", "online.de", "onlinehome.de", "1und1.de"},
     "imaps://imap.ionos.de:993",
     "smtps://smtp.ionos.de:465",
     NULL,
     NULL,
     false},
    {"IONOS",
     {"ionos.com"},
     "imaps://imap.ionos.com:993",
     "smtps://smtp.ionos.com:465",
     NULL,
     NULL,
     false},
    {"STRATO",
     {"strato.de", "strato.com"},
     "imaps://imap.strato.de:993",
     "smtps://smtp.strato.de:465",
     NULL,
     NULL,
     false},
    {"Yahoo",
     {"yahoo.com", "yahoo.de", "yahoo.co.uk", "yahoo.fr", "yahoo.es", "yahoo.it", "ymail.com"},
     "imaps://imap.mail.yahoo.com:993",
     "smtps://smtp.mail.yahoo.com:465",
     app_yahoo,
     NULL,
     false},
    {"Zoho",
     {"zoho.com", "zohomail.com"},
     "imaps://imap.zoho.com:993",
     "smtps://smtp.zoho.com:465",
     app_zoho,
     NULL,
     false},
    {"Zoho",
     {"zoho.eu", "zohomail.eu"},
     "imaps://imap.zoho.eu:993",
     "smtps://smtp.zoho.eu:465",
     app_zoho,
     NULL,
     false},
};

static const struct provider *by_domain(const char *domain) {
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        for (const char *const *d = providers[i].domains; *d; d++) {
            if (strcasecmp(*d, domain) == 0) {
                return &providers[i];
            }
        }
    }
    return NULL;
}

mailhost mailhosts_of(const char *domain) {
    const struct provider *p = by_domain(domain);
    keel_buf imap = KEEL_BUF_INIT, smtp = KEEL_BUF_INIT;
    if (p) {
        return (mailhost){
            keel_strdup(p->imap), keel_strdup(p->smtp), p->name, p->note, p->sent, p->copies};
    }
    keel_buf_printf(&imap, "imaps://imap.%s:993", domain);
    keel_buf_printf(&smtp, "smtps://smtp.%s:465", domain);
    return (mailhost){.imap = imap.data, .smtp = smtp.data};
}

static bool is_host(const char *url, const char *host) {
    const char *at = strstr(url, "://") + 3;
    size_t len = strlen(host);
    return strncasecmp(at, host, len) == 0 && at[len] == ':';
}

const char *mailhosts_note(const char *host) {
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        if (is_host(providers[i].imap, host) || is_host(providers[i].smtp, host)) {
            return providers[i].note;
        }
    }
    return NULL;
}
