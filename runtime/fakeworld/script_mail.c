#include "script_mail.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *text(const yaml_node *map, const char *key) {
    const yaml_node *n = map ? yaml_get(map, key) : NULL;
    return n && n->kind == YAML_SCALAR ? n->text : NULL;
}

static int check_scalars(const yaml_tree *t, const yaml_node *n, yaml_kind kind, const char *what,
                         diag *d) {
    bool good = !n || n->kind == kind;
    for (size_t i = 0; good && n && i < n->count; i++) {
        good = n->items[i]->kind == YAML_SCALAR && n->items[i]->len > 0;
    }
    return good ? 0 : yaml_fault(t, n, d, "%s", what);
}

static int read_face(const yaml_tree *t, const char *name, const char *const *known, mail_face *out,
                     diag *d) {
    const yaml_node *n = yaml_get(yaml_tree_root(t), name);
    if (!n) {
        return 0;
    }
    if (n->kind != YAML_MAP) {
        return yaml_fault(t, n, d, "%s is a map; {} has all its defaults", name);
    }
    const yaml_node *port = yaml_get(n, "port");
    out->on = true;
    if (port && (!yaml_int(port, &out->port) || out->port < 0 || out->port > 65535)) {
        return yaml_fault(t, port, d, "a port is a number from 0, any that is free, to 65535");
    }
    return yaml_known_keys(t, n, known, d);
}

static int read_smtp(mail_script *m, const yaml_tree *t, diag *d) {
    static const char *const known[] = {"port", "domain", "size", "deliver", NULL};
    int rc = read_face(t, "smtp", known, &m->smtp, d);
    const yaml_node *n = rc || !m->smtp.on ? NULL : yaml_get(yaml_tree_root(t), "smtp");
    if (!n) {
        return rc;
    }
    const yaml_node *size = yaml_get(n, "size"), *deliver = yaml_get(n, "deliver");
    m->domain = text(n, "domain");
    if (size && (!yaml_int(size, &m->size_bytes) || m->size_bytes < 1)) {
        return yaml_fault(t, size, d, "size is a number of bytes");
    }
    if (deliver && !yaml_duration_us(deliver, &m->deliver_us)) {
        return yaml_fault(t, deliver, d, "deliver is a time such as 250ms or 5s");
    }
    return 0;
}

static int read_imap(mail_script *m, const yaml_tree *t, diag *d) {
    static const char *const known[] = {"port", "folders", "without", NULL};
    int rc = read_face(t, "imap", known, &m->imap, d);
    const yaml_node *n = rc || !m->imap.on ? NULL : yaml_get(yaml_tree_root(t), "imap");
    if (!n) {
        return rc;
    }
    m->folders = yaml_get(n, "folders");
    m->without = yaml_get(n, "without");
    rc = check_scalars(t, m->folders, YAML_LIST, "folders is a list of names", d);
    rc = rc ? rc
            : check_scalars(t, m->without, YAML_LIST, "without is a list of MOVE and UIDPLUS", d);
    for (size_t i = 0; !rc && m->without && i < m->without->count; i++) {
        const char *word = m->without->items[i]->text;
        if (strcasecmp(word, "MOVE") != 0 && strcasecmp(word, "UIDPLUS") != 0) {
            rc = yaml_fault(t, m->without->items[i], d,
                            "without is a list of MOVE and UIDPLUS, and %s is neither", word);
        }
    }
    return rc;
}

int script_read_mail(mail_script *out, const yaml_tree *t, diag *d) {
    mail_script m = {.size_bytes = 32 << 20};
    const yaml_node *root = yaml_tree_root(t);
    m.users = root->kind == YAML_MAP ? yaml_get(root, "users") : NULL;
    int rc = check_scalars(t, m.users, YAML_MAP, "users is a map of names to passwords", d);
    rc = rc || root->kind != YAML_MAP ? rc : read_smtp(&m, t, d);
    rc = rc || root->kind != YAML_MAP ? rc : read_imap(&m, t, d);
    *out = m;
    return rc;
}

bool script_list_has(const yaml_node *list, const char *word) {
    for (size_t i = 0; list && i < list->count; i++) {
        if (!strcasecmp(list->items[i]->text, word)) {
            return true;
        }
    }
    return false;
}

bool script_login(const mail_script *m, const char *user, const char *password) {
    char name[128];
    script_mailbox(user, name, sizeof name);
    const char *right = text(m->users, name);
    return *name && (!m->users || (right && !strcmp(right, password)));
}

void script_mailbox(const char *address, char *out, size_t size) {
    size_t len = strcspn(address, "+@");
    len = len < size ? len : size - 1;
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)tolower((unsigned char)address[i]);
    }
    out[len] = 0;
}

bool script_is_local(const mail_script *m, const char *address) {
    const char *at = strrchr(address, '@');
    return !m->domain || !at || !strcasecmp(at + 1, m->domain);
}
