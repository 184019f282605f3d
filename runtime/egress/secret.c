#include "secret_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fsio.h"

#define NAME_LIMIT 63
#define COMMAND_MS 10000
#define STALE_S    60 /* older temporary files are of a process that was killed */

bool secret_name_ok(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > NAME_LIMIT || strchr("-_.", name[0])) {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static int check_name(const char *name, diag *d) {
    if (secret_name_ok(name)) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "This is no name of a secret.");
    return diag_next(d, "Names are small letters, digits, \"-\", \"_\" and \".\", begin with a "
                        "letter or digit, and have at most 63: mail-password.");
}

/* ---- what was read ---- */

int secret_fill(int fd, char *room, size_t *len) {
    while (*len < SECRET_ROOM) {
        ssize_t n = read(fd, room + *len, SECRET_ROOM - *len);
        if (n == 0) {
            return 1;
        }
        if (n < 0 && errno != EINTR) {
            return errno == EAGAIN ? 0 : -errno;
        }
        *len += n > 0 ? (size_t)n : 0;
    }
    return 1;
}

int secret_take(secret *out, char *room, size_t len, const char *where, const char *name, diag *d) {
    if (len && room[len - 1] == '\n') {
        len--;
    }
    const char *what = len == 0               ? "is empty"
                       : len > SECRET_LIMIT   ? "is longer than 16384 bytes"
                       : memchr(room, 0, len) ? "has a NUL"
                                              : NULL;
    if (!what) {
        secret_alloc(out, len);
        memcpy(out->data, room, len);
    }
    secret_memory_free(room);
    if (what) {
        diag_set(d, DIAG_FAILED, "The secret `%s` cannot be used: %s it %s.", name, where, what);
        return diag_next(d,
                         "Set it anew with `keel secret set %s`, or change what keel.yaml says "
                         "of it under `secrets:`.",
                         name);
    }
    return 0;
}

/* ---- files ---- */

static int not_there(const char *name, diag *d) {
    diag_set(d, DIAG_NOT_FOUND, "There is no secret `%s`.", name);
    return diag_next(d, "Set it with `keel secret set %s`.", name);
}

static int trouble(diag *d, const char *path, const char *act, int error) {
    diag_set(d, DIAG_STORAGE, "%s: cannot %s: %s", path, act, strerror(error));
    return diag_next(d, "Check who owns it and what its mode is.");
}

static int open_to_others(diag *d, const char *folder, const char *name, const char *what,
                          const char *next) {
    diag_set(d, DIAG_AUTH, "%s%s%s %s, so the secret may be another's by now.", folder,
             name ? "/" : "", name ? name : "", what);
    return diag_next(d, "%s", next);
}

/* The folder for reading; -1 and DIAG_NOT_FOUND without a message when it is not there. */
static int open_folder(const char *folder, int *code, diag *d) {
    struct stat st;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *code = 0;
    if (fd < 0) {
        *code = errno == ENOENT ? DIAG_NOT_FOUND : trouble(d, folder, "open the folder", errno);
        return -1;
    }
    if (fstat(fd, &st) < 0) {
        *code = trouble(d, folder, "look at it", errno);
    } else if (st.st_uid != geteuid()) {
        *code = open_to_others(d, folder, NULL, "belongs to another user",
                               "Make it yours (chown), and set its secrets anew.");
    } else if (st.st_mode & 077) {
        *code = open_to_others(d, folder, NULL, "is open to others",
                               "Close it with `chmod 700`, and consider to set its secrets anew.");
    }
    if (*code) {
        close(fd);
        return -1;
    }
    return fd;
}

/* own: one of ours; else a credential, whose owner may be root and whose group the service's. */
static int check_file(int fd, const char *folder, const char *name, bool own, diag *d) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return trouble(d, name, "look at it", errno);
    }
    if (!S_ISREG(st.st_mode)) {
        diag_set(d, DIAG_AUTH, "%s/%s is no regular file.", folder, name);
        return diag_next(d, "Move it away, and set the secret with `keel secret set %s`.", name);
    }
    if (own && st.st_uid != geteuid()) {
        return open_to_others(d, folder, name, "belongs to another user",
                              "Remove it and set the secret anew.");
    }
    if (st.st_mode & (own ? 077 : 007)) {
        return open_to_others(d, folder, name, "is open to others",
                              "Close it with `chmod 600`, and consider to set it anew.");
    }
    return 0;
}

static int read_file(secret *out, int dir, const char *folder, const char *file, bool own,
                     const char *name, diag *d) {
    int fd =
        openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (own ? O_NOFOLLOW : 0));
    if (fd < 0 && errno == ELOOP) {
        diag_set(d, DIAG_AUTH, "%s/%s is a symbolic link, which is not followed.", folder, file);
        return diag_next(d,
                         "Remove it, and set the secret with `keel secret set %s`; or let "
                         "keel.yaml name a command under `secrets:`.",
                         name);
    }
    if (fd < 0) {
        return errno == ENOENT ? not_there(name, d) : trouble(d, file, "open it", errno);
    }
    int rc = check_file(fd, folder, file, own, d);
    if (rc == 0) {
        char *room = secret_memory(SECRET_ROOM);
        size_t len = 0;
        int filled = secret_fill(fd, room, &len);
        if (filled < 0) {
            secret_memory_free(room);
            rc = trouble(d, file, "read it", -filled);
        } else {
            rc = secret_take(out, room, len, "the file of", name, d);
        }
    }
    close(fd);
    return rc;
}

/* ---- reading ---- */

static int read_credential(secret *out, const secret_places *places, keel_json credential,
                           const char *name, diag *d) {
    char file[256];
    long len = keel_json_copy(credential, file, sizeof file);
    if (len <= 0 || len >= (long)sizeof file || strchr(file, '/') || file[0] == '.' ||
        strlen(file) != (size_t)len) {
        diag_set(d, DIAG_USAGE, "The credential of the secret `%s` has no usable name.", name);
        return diag_next(d, "Write the name that LoadCredential= has, without a folder.");
    }
    int dir =
        places->credentials ? open(places->credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir < 0) {
        diag_set(d, DIAG_NOT_FOUND,
                 "The secret `%s` is a credential of systemd, and there are none here.", name);
        return diag_next(d, "Start Keel as a service with `LoadCredential=%s:PATH`.", file);
    }
    int rc = read_file(out, dir, places->credentials, file, false, name, d);
    close(dir);
    if (rc == DIAG_NOT_FOUND) {
        diag_next(d, "Add `LoadCredential=%s:PATH` to the service.", file);
    }
    return rc;
}

int secret_read(secret *out, const secret_places *places, const char *name, diag *d) {
    int rc = check_name(name, d);
    if (rc) {
        return rc;
    }
    keel_json declared = keel_json_get(places->declared, name);
    keel_json command = keel_json_get(declared, "command");
    if (keel_json_typeof(command) != KEEL_JSON_NONE) {
        return secret_from_command(out, name, command, COMMAND_MS, d);
    }
    if (keel_json_typeof(declared) != KEEL_JSON_NONE) {
        return read_credential(out, places, keel_json_get(declared, "credential"), name, d);
    }
    int dir = open_folder(places->folder, &rc, d);
    if (dir < 0) {
        return rc == DIAG_NOT_FOUND ? not_there(name, d) : rc;
    }
    rc = read_file(out, dir, places->folder, name, true, name, d);
    close(dir);
    return rc;
}

/* ---- changing ---- */

int secret_may_change(const secret_places *places, const char *name, diag *d) {
    int rc = check_name(name, d);
    if (rc == 0 && keel_json_typeof(keel_json_get(places->declared, name)) != KEEL_JSON_NONE) {
        diag_set(d, DIAG_USAGE, "keel.yaml says under `secrets:` where the secret `%s` comes from.",
                 name);
        return diag_next(d, "Change it there, or remove that entry first.");
    }
    return rc;
}

/* Made for its owner alone, also when it was there and was open. */
static int make_folder(const char *folder, diag *d) {
    int rc = fsio_mkdirs(folder, 0700, d);
    int fd = rc ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (rc == 0 && (fd < 0 || fchmod(fd, 0700) < 0)) {
        rc = trouble(d, folder, "close it to others", errno);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

/* Temporary files of writers that were killed: they hold secrets too. */
static void sweep(int dir) {
    int copy = dup(dir);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct stat st;
    time_t now = time(NULL);
    for (struct dirent *e; entries && (e = readdir(entries));) {
        if (e->d_name[0] == '.' && fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && now - st.st_mtime > STALE_S) {
            unlinkat(dir, e->d_name, 0);
        }
    }
    if (entries) {
        closedir(entries);
    } else if (copy >= 0) {
        close(copy);
    }
}

int secret_write(const secret_places *places, const char *name, const char *data, size_t len,
                 diag *d) {
    int rc = secret_may_change(places, name, d);
    if (rc) {
        return rc;
    }
    size_t bare = len && data[len - 1] == '\n' ? len - 1 : len;
    if (bare == 0 || bare > SECRET_LIMIT || memchr(data, 0, len)) {
        diag_set(d, DIAG_USAGE, "The value of `%s` %s.", name,
                 bare == 0             ? "is empty"
                 : bare > SECRET_LIMIT ? "is longer than 16384 bytes"
                                       : "has a NUL");
        return diag_next(d, "Nothing was changed. Give another value.");
    }
    rc = make_folder(places->folder, d);
    int dir = rc ? -1 : open_folder(places->folder, &rc, d);
    if (dir < 0) {
        return rc;
    }
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/%s", places->folder, name);
    rc = fsio_write_atomic(path.data, data, len, 0600, d);
    keel_buf_free(&path);
    sweep(dir);
    close(dir);
    return rc;
}

int secret_remove(const secret_places *places, const char *name, diag *d) {
    int rc = secret_may_change(places, name, d);
    int dir = rc ? -1 : open_folder(places->folder, &rc, d);
    if (dir < 0) {
        return rc == DIAG_NOT_FOUND ? not_there(name, d) : rc;
    }
    if (unlinkat(dir, name, 0) < 0) {
        rc = errno == ENOENT ? not_there(name, d) : trouble(d, name, "remove it", errno);
    } else if (fsync(dir) < 0) {
        rc = trouble(d, places->folder, "bring the folder to the disk", errno);
    }
    sweep(dir);
    close(dir);
    return rc;
}
