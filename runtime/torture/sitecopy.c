/* Copies of folders, made by the process itself: a torture makes thousands. */
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
