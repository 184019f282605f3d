/* What a site is told and asked: commands, the database beside the kernel, its executors. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "siteint.h"

char site_refusal[1200];

/* ---- commands ---- */

static site_said say(site *s, const char *request, const char *name, const char *args,
                     keel_buf *result) {
    diag d = {0};
    keel_buf body = KEEL_BUF_INIT;
    if (!s->client) {
        return SITE_GONE;
    }
    keel_buf_puts(&body, args);
    int rc = client_call(s->client, name, &body, request, result, &d);
    keel_buf_free(&body);
    if (!rc) {
        return SITE_ANSWERED;
    }
    snprintf(site_refusal, sizeof site_refusal, "%s %s", d.what, d.next);
    return strstr(d.what, "ended before it answered") ? SITE_GONE : SITE_REFUSED;
}

const char *site_answer_to(const site *s, const char *request) {
    for (size_t i = 0; i < s->answer_count; i++) {
        if (!strcmp(s->answers[i].request, request)) {
            return s->answers[i].result;
        }
    }
    return NULL;
}

site_said site_say(site *s, const char *request, const char *name, const char *args) {
    keel_buf result = KEEL_BUF_INIT;
    if (site_answer_to(s, request)) {
        return SITE_ANSWERED;
    }
    site_said said = say(s, request, name, args, &result);
    if (said == SITE_ANSWERED) {
        if (s->answer_count == SITE_ANSWERS) {
            fprintf(stderr, "more commands than a site remembers\n");
            exit(2);
        }
        site_answer *a = &s->answers[s->answer_count++];
        snprintf(a->request, sizeof a->request, "%s", request);
        snprintf(a->name, sizeof a->name, "%s", name);
        a->args = keel_strdup(args);
        a->result = keel_memdup(result.data ? result.data : "", result.len);
    }
    keel_buf_free(&result);
    return said;
}

site_said site_ask(site *s, const char *name, keel_buf *result) {
    return say(s, NULL, name, "{}", result);
}

bool site_repeat(site *s) {
    for (size_t i = 0; i < s->answer_count; i++) {
        const site_answer *a = &s->answers[i];
        keel_buf result = KEEL_BUF_INIT;
        site_said said = say(s, a->request, a->name, a->args, &result);
        bool same = said == SITE_ANSWERED && !strcmp(result.data ? result.data : "", a->result);
        if (!same && said != SITE_GONE) {
            site_fault(
                s, "I11: acknowledged %s (%s) is answered otherwise when repeated: %s, not %s",
                a->name, a->request, said == SITE_ANSWERED ? result.data : site_refusal, a->result);
        }
        keel_buf_free(&result);
        if (!same) {
            return false;
        }
    }
    return true;
}

/* ---- the database ---- */

static int on_value(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    keel_buf *out = ctx;
    keel_buf_puts(out, v[0] ? v[0] : "");
    return 1;
}

const char *site_query(site *s, const char *sql, const char *param) {
    static char value[1024];
    keel_buf out = KEEL_BUF_INIT;
    diag d = {0};
    const char *params[] = {param};
    value[0] = 0;
    int rc = s->db ? reader_query(s->db, sql, params, param != NULL, on_value, &out, &d) : 0;
    if (rc < 0) {
        site_fault(s, "a query failed: %s (%s)", d.what, sql);
    }
    snprintf(value, sizeof value, "%s", out.data ? out.data : "");
    keel_buf_free(&out);
    return value;
}

void site_read(site *s, const char *sql, const char *param, char *out, size_t size) {
    snprintf(out, size, "%s", site_query(s, sql, param));
}

long site_count(site *s, const char *sql) {
    return strtol(site_query(s, sql, NULL), NULL, 10);
}

/* ---- the outside ---- */

static int count_in(const char *path, const char *key) {
    keel_buf text = KEEL_BUF_INIT;
    int n = 0;
    if (!fsio_read(path, 1 << 20, &text, NULL)) {
        for (const char *at = text.data; at && (at = strstr(at, key)) != NULL; at++) {
            n++;
        }
    }
    keel_buf_free(&text);
    return n;
}

int site_applied(const site *s, const char *key) {
    DIR *dir = opendir(s->root);
    int n = 0;
    struct dirent *e;
    while (dir && (e = readdir(dir)) != NULL) {
        char path[500];
        snprintf(path, sizeof path, "%s/%s/applied", s->root, e->d_name);
        n += count_in(path, key);
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

/* ---- people ---- */

/* The command that approves the item. member: "", or "remember" with its value and a comma. */
static void consent(site *s, const char *number, const char *approval, const char *member,
                    char args[900]) {
    uint8_t pk[32], sk[64], signature[64];
    char incarnation[17], text[500], hex[129];
    site_read(s, "SELECT value FROM meta WHERE key = 'incarnation'", NULL, incarnation,
              sizeof incarnation);
    int n = snprintf(text, sizeof text,
                     "{\"approval\":\"%s\",\"incarnation\":\"%s\",\"nonce\":\"%032d\","
                     "\"number\":%s,%s\"verdict\":\"approve\"}",
                     approval, incarnation, 1, number, member);
    site_keys(pk, sk);
    crypto_sign_detached(signature, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, signature, sizeof signature);
    snprintf(args, 900,
             "{\"by\":\"operator\",\"items\":[{\"approval\":\"%s\",\"nonce\":\"%032d\","
             "\"number\":%s,%s\"signature\":\"%s\"}]}",
             approval, 1, number, member, hex);
}

static const char signed_sql[] = "SELECT lower(hex(digest)) FROM item WHERE number = ?";

site_said site_approve(site *s, const char *number) {
    char approval[65], args[900], request[64];
    site_read(s, signed_sql, number, approval, sizeof approval);
    consent(s, number, approval, "", args);
    snprintf(request, sizeof request, "approve-%s-%.8s-%u", number, approval, s->tries);
    site_said said = site_say(s, request, "approve", args);
    if (said == SITE_ANSWERED && strstr(site_answer_to(s, request), "\"stale\"")) {
        s->tries++;
    }
    return said;
}

site_said site_remember(site *s, const char *request, const char *number) {
    char approval[65], scope[1500], hex[DIGEST_HEX], member[100], args[900];
    site_read(s, signed_sql, number, approval, sizeof approval);
    site_read(s,
              "SELECT json_extract(CAST(ifnull(j.body, p.bytes) AS TEXT), '$.remember')"
              " FROM item i JOIN journal j ON j.seq = i.args_seq"
              " LEFT JOIN payload p ON p.digest = j.digest WHERE i.number = ?",
              number, scope, sizeof scope);
    digest d = digest_of(scope, strlen(scope));
    digest_hex(&d, hex);
    snprintf(member, sizeof member, "\"remember\":\"%s\",", hex);
    consent(s, number, approval, member, args);
    return site_say(s, request, "approve", args);
}

site_said site_label(site *s, const char *run) {
    uint8_t pk[32], sk[64], signature[64];
    char incarnation[17], text[400], hex[129], args[800];
    site_read(s, "SELECT value FROM meta WHERE key = 'incarnation'", NULL, incarnation,
              sizeof incarnation);
    int n = snprintf(text, sizeof text,
                     "{\"incarnation\":\"%s\",\"nonce\":\"%032d\",\"run\":%s,\"sensitivity\":"
                     "\"public\",\"seq\":1000000,\"untrusted\":false,\"verdict\":\"label\","
                     "\"why\":\"a test\"}",
                     incarnation, 1, run);
    site_keys(pk, sk);
    crypto_sign_detached(signature, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, signature, sizeof signature);
    snprintf(args, sizeof args,
             "{\"by\":\"operator\",\"nonce\":\"%032d\",\"run\":%s,\"sensitivity\":\"public\","
             "\"seq\":1000000,\"signature\":\"%s\",\"untrusted\":false,\"why\":\"a test\"}",
             1, run, hex);
    return site_say(s, "label-run-1", "run.label", args);
}

/* ---- executors ---- */

/* The plugin of an executor, by the name of the folder that it was granted; "": an agent's. */
static bool grants(pid_t pid, const char *folder) {
    char path[64], to[500];
    snprintf(path, sizeof path, "/proc/%d/fd/7", (int)pid);
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0) {
        return !folder;
    }
    to[n] = 0;
    const char *last = strrchr(to, '/');
    return folder && last && !strcmp(last + 1, folder);
}

size_t site_kill_executors(site *s, const char *connector) {
    char path[64];
    int pid;
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)s->kernel, (int)s->kernel);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%d", &pid) == 1) {
        if (grants(pid, connector)) {
            kill(pid, SIGKILL);
            n++;
        }
    }
    if (f) {
        fclose(f);
    }
    return n;
}
