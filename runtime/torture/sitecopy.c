/* Copies of folders and of whole sites, made by the process itself: a torture makes thousands. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"
#include "siteint.h"
#include "workspace.h"

#define PATH 1000

static bool copy(const char *from, const char *to, const struct stat *st);

static bool copy_bytes(const char *from, const char *to, mode_t mode) {
    char bytes[65536];
    ssize_t n = -1;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    while (in >= 0 && out >= 0 && (n = read(in, bytes, sizeof bytes)) > 0) {
        if (fsio_write_all(out, bytes, (size_t)n)) {
            n = -1;
            break;
        }
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0 && close(out)) {
        n = -1;
    }
    return n == 0;
}

static bool copy_link(const char *from, const char *to) {
    char target[PATH];
    ssize_t n = readlink(from, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    return n > 0 && symlink(target, to) == 0;
}

static bool copy_folder(const char *from, const char *to, mode_t mode) {
    DIR *dir = opendir(from);
    bool good = dir && (mkdir(to, mode | 0700) == 0 || errno == EEXIST);
    for (struct dirent *e; good && (e = readdir(dir)) != NULL;) {
        char source[PATH], copied[PATH];
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
            continue;
        }
        int n = snprintf(source, sizeof source, "%s/%s", from, e->d_name);
        int m = snprintf(copied, sizeof copied, "%s/%s", to, e->d_name);
        good = n < PATH && m < PATH && lstat(source, &st) == 0 && copy(source, copied, &st);
    }
    if (dir) {
        closedir(dir);
    }
    return good;
}

/* What is neither file nor folder nor link, like a socket, stays behind. */
static bool copy(const char *from, const char *to, const struct stat *st) {
    mode_t mode = st->st_mode & 0777;
    return S_ISREG(st->st_mode)   ? copy_bytes(from, to, mode)
           : S_ISDIR(st->st_mode) ? copy_folder(from, to, mode)
           : S_ISLNK(st->st_mode) ? copy_link(from, to)
                                  : true;
}

void site_copy(const char *from, const char *to) {
    char into[PATH];
    struct stat st, there;
    const char *slash = strrchr(from, '/');
    bool inside = stat(to, &there) == 0 && S_ISDIR(there.st_mode);
    int n = snprintf(into, sizeof into, "%s%s%s", to, inside ? "/" : "",
                     !inside ? ""
                     : slash ? slash + 1
                             : from);
    if (n >= PATH || stat(from, &st) || !copy(from, into, &st)) {
        fprintf(stderr, "%s cannot be copied to %s: %s\n", from, to, strerror(errno));
        exit(2);
    }
}

/* ---- a whole site ---- */

/* The place of the signed heads follows from the workspace's own. */
static bool move_anchor(site *s) {
    workspace *w;
    diag d = {0};
    char from[400], *found = NULL;
    snprintf(from, sizeof from, "%s/state/keel", s->folder);
    DIR *dir = opendir(from);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] != '.') {
            free(found);
            found = keel_strdup(e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (!found || workspace_load(&w, s->root, &d)) {
        free(found);
        return site_fault(s, "%s has no heads, or cannot be read: %s", from, d.what);
    }
    char *slash = strrchr(w->anchor, '/');
    *slash = 0;
    snprintf(from, sizeof from, "%s/state/keel/%s", s->folder, found);
    bool moved = rename(from, w->anchor) == 0;
    free(found);
    workspace_destroy(w);
    return moved || site_fault(s, "%s: %s", from, strerror(errno));
}

/* The acknowledged commands, a line for each of their four parts: JSON of Keel has no line breaks. */
static void answers_file(const site *s, char *out, size_t size) {
    snprintf(out, size, "%s/answers", s->folder);
}

void site_keep(site *s) {
    char path[200];
    keel_buf text = KEEL_BUF_INIT;
    diag d = {0};
    for (size_t i = 0; i < s->answer_count; i++) {
        const site_answer *a = &s->answers[i];
        keel_buf_printf(&text, "%s\n%s\n%s\n%s\n", a->request, a->name, a->args, a->result);
    }
    answers_file(s, path, sizeof path);
    if (fsio_write_atomic(path, text.data ? text.data : "", text.len, 0600, &d)) {
        site_fault(s, "%s", d.what);
    }
    keel_buf_free(&text);
}

static void remember_answers(site *s) {
    char path[200], *save = NULL;
    keel_buf text = KEEL_BUF_INIT;
    answers_file(s, path, sizeof path);
    if (!fsio_read(path, 1 << 20, &text, NULL) && text.data) {
        for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
            site_answer *a = &s->answers[s->answer_count++];
            snprintf(a->request, sizeof a->request, "%s", l);
            snprintf(a->name, sizeof a->name, "%s", strtok_r(NULL, "\n", &save));
            a->args = keel_strdup(strtok_r(NULL, "\n", &save));
            a->result = keel_strdup(strtok_r(NULL, "\n", &save));
        }
    }
    keel_buf_free(&text);
}

bool site_copy_of(site *s, const char *folder, const char *from) {
    site_begin(s, folder);
    if (!copy_folder(from, folder, 0700)) {
        return site_fault(s, "%s cannot be copied: %s", from, strerror(errno));
    }
    site_tell_places(s);
    remember_answers(s);
    return move_anchor(s);
}
