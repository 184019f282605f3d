/* Signed heads, one line each, in a file outside of the workspace:
 *
 *   keel1 WORKSPACE BOOT SEQ HASH AT SIGNATURE
 *
 * WORKSPACE 32, HASH 64 and SIGNATURE 128 lower-case hex digits, the others decimal. The signature
 * is Ed25519 over the bytes before the last space, by the key that the first record names. Lines
 * are only appended, and only for heads that are durable; several workspaces may share a file. The
 * first line of a workspace has seq 0 and is written before its database is. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint.h"
#include "fsio.h"
#include "private.h"

enum { LINE = 400, TAIL = 16384 };

static int ends_line(int fd, off_t size) {
    char last = '\n';
    return size == 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

static int append_fault(const char *path, int error, diag *d) {
    diag_set(d, DIAG_STORAGE, "cannot write the anchor file %s: %s", path, strerror(error));
    diag_next(d, error == ENOSPC || error == EDQUOT
                     ? "free some space"
                     : "check that its folder is there and is yours");
    return DIAG_STORAGE;
}

static int sync_folder(const char *path) {
    char *copy = keel_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return -error;
}

/* The line begins with a newline, which ends a line that a crash left half-written; that one will
 * be skipped. Otherwise it is left out. */
static int write_line(int fd, const char *line, size_t len, bool *fresh) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    *fresh = st.st_size == 0;
    size_t skip = ends_line(fd, st.st_size) ? 1 : 0;
    int rc = fsio_write_all(fd, line + skip, len - skip);
    return rc == 0 && fsync(fd) < 0 ? -errno : rc;
}

static int append_line(const char *path, const char *line, size_t len, diag *d) {
    bool fresh = false;
    int fault = failpoint_errno(KEEL_FP("anchor.append"));
    if (fault != 0) {
        return append_fault(path, fault, d);
    }
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return append_fault(path, errno, d);
    }
    int rc = write_line(fd, line, len, &fresh);
    close(fd);
    if (rc == 0 && fresh) {
        rc = sync_folder(path);
    }
    (void)KEEL_FP("anchor.appended");
    return rc < 0 ? append_fault(path, -rc, d) : 0;
}

int anchor_append(const char *path, const anchor_key *key, const char *workspace,
                  const anchor_head *head, diag *d) {
    char line[LINE];
    char hash[DIGEST_HEX];
    uint8_t signature[crypto_sign_BYTES];
    digest_hex(&head->hash, hash);
    snprintf(line, sizeof line, "\nkeel1 %s %lld %lld %s %lld", workspace, (long long)head->boot,
             (long long)head->seq, hash, (long long)head->at);
    size_t len = strlen(line);
    crypto_sign_detached(signature, NULL, (const uint8_t *)line + 1, len - 1, key->secret);
    line[len++] = ' ';
    hex_encode(line + len, signature, sizeof signature);
    len += 2 * crypto_sign_BYTES;
    line[len++] = '\n';
    return append_line(path, line, len, d);
}

int anchor_append_life(const char *path, const char *workspace, const char *incarnation,
                       const char *from, int64_t seq, diag *d) {
    char line[LINE];
    int len = snprintf(line, sizeof line, "\nkeel1-life %s %s %s %lld\n", workspace, incarnation,
                       from, (long long)seq);
    return append_line(path, line, (size_t)len, d);
}

typedef struct parsed {
    char workspace[33];
    anchor_head head;
    char signature[2 * crypto_sign_BYTES + 1];
    size_t covered; /* bytes that the signature covers */
} parsed;

/* A line that is not whole is no head: false. */
static bool parse(const char *line, parsed *out) {
    long long boot, seq, at;
    char hash[DIGEST_HEX];
    int covered = 0, end = 0;
    if (sscanf(line, "keel1 %32[0-9a-f] %20lld %20lld %64[0-9a-f] %20lld%n %128[0-9a-f]%n",
               out->workspace, &boot, &seq, hash, &at, &covered, out->signature, &end) != 6 ||
        line[end] != 0 || strlen(out->workspace) != 32 || strlen(out->signature) != 128 ||
        digest_from_hex(&out->head.hash, hash, strlen(hash)) < 0) {
        return false;
    }
    out->head.boot = boot;
    out->head.seq = seq;
    out->head.at = at;
    out->covered = (size_t)covered;
    return true;
}

static bool signature_holds(const parsed *p, const char *line,
                            const uint8_t public_key[crypto_sign_PUBLICKEYBYTES]) {
    uint8_t signature[crypto_sign_BYTES];
    return hex_decode(signature, sizeof signature, p->signature, strlen(p->signature)) ==
               (int)sizeof signature &&
           crypto_sign_verify_detached(signature, (const uint8_t *)line, p->covered, public_key) ==
               0;
}

static int missing(const char *path, int error, diag *d) {
    if (error != 0) {
        diag_set(d, DIAG_STORAGE, "the anchor file of this workspace is missing: %s (%s)", path,
                 strerror(error));
    } else {
        diag_set(d, DIAG_STORAGE, "the anchor file %s has no line of this workspace", path);
    }
    diag_next(d, "put the file back where it was, from a backup of its folder; if the workspace "
                 "was moved, say in its keel.yaml where the file is: `anchor: /FOLDER/anchor`. "
                 "Without it nobody can tell whether the database is the newest");
    return DIAG_STORAGE;
}

static int forged(const char *path, int line, int64_t seq, diag *d) {
    diag_at(d, DIAG_STORAGE, path, line, 1,
            "the signature of the head at record %lld does not hold: the line was changed, or was "
            "signed by another key than the one that the first record names",
            (long long)seq);
    diag_next(d, "restore the anchor file, its key and the database from one backup");
    return DIAG_STORAGE;
}

static bool any_holds(const parsed *p, const char *line, const anchor_keys *keys) {
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->list[i].boot <= p->head.boot + (p->head.seq == 0) &&
            signature_holds(p, line, keys->list[i].public_key)) {
            return true;
        }
    }
    return false;
}

int anchor_read(const char *path, const anchor_keys *keys, const char *workspace,
                anchor_visit *visit, void *ctx, diag *d) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return missing(path, errno, d);
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int number = 0, rc = 0, found = 0;
    while (rc == 0 && (len = getline(&line, &cap, f)) > 0) {
        parsed p;
        number++;
        if (line[len - 1] == '\n') {
            line[len - 1] = 0;
        }
        if (!parse(line, &p) || (workspace != NULL && strcmp(p.workspace, workspace) != 0)) {
            continue;
        }
        found++;
        rc = keys == NULL || any_holds(&p, line, keys) ? visit(ctx, &p.head, number)
                                                       : forged(path, number, p.head.seq, d);
    }
    free(line);
    fclose(f);
    return rc == 0 && found == 0 ? missing(path, 0, d) : rc;
}

/* The last whole line of this workspace in text[0..len), or NULL. Cuts text into lines. */
static char *last_line(char *text, size_t len, bool from_start, const char *workspace, parsed *p) {
    while (len > 0) {
        size_t begin = len;
        while (begin > 0 && text[begin - 1] != '\n') {
            begin--;
        }
        text[len] = 0;
        if ((begin > 0 || from_start) && parse(text + begin, p) &&
            strcmp(p->workspace, workspace) == 0) {
            return text + begin;
        }
        len = begin > 0 ? begin - 1 : 0;
    }
    return NULL;
}

static int last_head(int fd, off_t size, const char *path, const anchor_key *key,
                     const char *workspace, anchor_head *out, diag *d) {
    for (off_t want = TAIL;; want *= 2) {
        off_t take = want < size ? want : size;
        char *text = keel_alloc((size_t)take + 1);
        ssize_t n = pread(fd, text, (size_t)take, size - take);
        parsed p;
        char *line = n > 0 ? last_line(text, (size_t)n, take == size, workspace, &p) : NULL;
        bool good = line != NULL && signature_holds(&p, line, key->public_key);
        free(text);
        if (good) {
            *out = p.head;
            return 0;
        }
        if (line != NULL) {
            return forged(path, 0, p.head.seq, d);
        }
        if (take == size || n < 0) {
            return missing(path, n < 0 ? errno : 0, d);
        }
    }
}

int anchor_last(const char *path, const anchor_key *key, const char *workspace, anchor_head *out,
                diag *d) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        missing(path, errno, d);
        if (fd >= 0) {
            close(fd);
        }
        return DIAG_STORAGE;
    }
    int rc = last_head(fd, st.st_size, path, key, workspace, out, d);
    close(fd);
    return rc;
}
