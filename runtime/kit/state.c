/* What the outside has, and what an answer means. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "fsio.h"
#include "place.h"

#define STATE_LIMIT (4u << 20)

/* The author's own command, in the plugin's folder; $KEEL_CHECK_FOLDER is {folder}. */
static void run_state(const site *s, keel_buf *out) {
    int ends[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t fa;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    setenv("KEEL_CHECK_FOLDER", s->folder, 1);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, ends[1], 1);
    posix_spawn_file_actions_addchdir_np(&fa, s->k->set->folder);
    const char **words = s->k->plan->state;
    int rc = posix_spawnp(&pid, words[0], &fa, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&fa);
    close(ends[1]);
    if (rc == 0) {
        fsio_read_all(ends[0], STATE_LIMIT, out);
        waitpid(pid, NULL, 0);
    } else {
        keel_buf_printf(out, "state: %s: %s\n", words[0], strerror(rc));
    }
    close(ends[0]);
}

#define LINE_SHOWN 300

/* Each line of its own, as if it were a file, so that one too many or too few is seen. Of a long one
 * what is not shown counts too, by its digest. */
static void put_lines(keel_buf *text, keel_buf *out) {
    keel_buf_reserve(text, 1);
    text->data[text->len] = 0;
    for (const char *p = text->data; *p;) {
        size_t len = strcspn(p, "\n");
        char hex[DIGEST_HEX] = "";
        if (len > LINE_SHOWN) {
            digest of = digest_of(p, len);
            digest_hex(&of, hex);
        }
        keel_buf_printf(out, "(state) %.*s%s s -\n", (int)(len < LINE_SHOWN ? len : LINE_SHOWN), p,
                        hex);
        p += len + (p[len] == '\n');
    }
}

void site_state(site *s, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    place_list(s->folder, out);
    if (s->k->outside && outside_store(s->k->outside, &text) == 0) {
        char hex[DIGEST_HEX];
        digest of = digest_of(text.data, text.len);
        digest_hex(&of, hex);
        keel_buf_printf(out, "(the service) s %s\n", hex);
    }
    keel_buf_clear(&text);
    if (s->k->plan->state) {
        run_state(s, &text);
        put_lines(&text, out);
    }
    keel_buf_free(&text);
}

bool site_same(site *s, const keel_buf *before) {
    keel_buf now = KEEL_BUF_INIT;
    site_state(s, &now);
    bool same = now.len == before->len && !memcmp(now.data, before->data, now.len);
    keel_buf_free(&now);
    return same;
}

void site_size(const site *s, long *resident_kib, long *descriptors) {
    char path[64];
    keel_buf text = KEEL_BUF_INIT;
    pid_t pid = s->process ? host_pid(s->process) : 0;
    *resident_kib = *descriptors = -1;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && fsio_read_all(fd, 4096, &text) == 0) {
        char *end;
        strtol(text.data, &end, 10);
        *resident_kib = strtol(end, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
    }
    if (fd >= 0) {
        close(fd);
    }
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = pid > 0 ? opendir(path) : NULL;
    for (*descriptors = dir ? 0 : -1; dir && readdir(dir);) {
        ++*descriptors;
    }
    if (dir) {
        closedir(dir);
    }
    keel_buf_free(&text);
}

static bool one_of(const char *word, const char *const *list) {
    for (size_t i = 0; list[i]; i++) {
        if (!strcmp(word, list[i])) {
            return true;
        }
    }
    return false;
}

bool said_not(const said *s) {
    static const char *const codes[] = {"invalid", "denied",          "not_found", "conflict",
                                        "retry",   "not_implemented", NULL};
    return s->how == SAID_FAIL && one_of(s->code, codes);
}

bool said_maybe(const said *s) {
    static const char *const codes[] = {"unknown",  "deadline",  "cancelled",
                                        "internal", "no_memory", NULL};
    return s->how == SAID_FAIL && one_of(s->code, codes);
}

const char *said_text(const said *s, char *out, size_t size) {
    switch (s->how) {
    case SAID_REPLY:
        snprintf(out, size, "answered %.300s", s->result.len ? s->result.data : "null");
        break;
    case SAID_FAIL:
        snprintf(out, size, "failed with %s (%.300s)", s->code, s->message);
        break;
    case SAID_DIED:
        snprintf(out, size, "its executor %.300s", s->message);
        break;
    case SAID_OVERDUE:
        snprintf(out, size, "gave no answer within its deadline and a second");
    }
    return out;
}
