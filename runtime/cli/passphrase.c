#include "passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "fsio.h"

/* What the signal handler needs to give the terminal its echo back. */
static volatile sig_atomic_t hidden_fd = -1;
static struct termios before;

static void restore_and_die(int number) {
    if (hidden_fd >= 0) {
        tcsetattr(hidden_fd, TCSAFLUSH, &before);
        ssize_t ignored = write(hidden_fd, "\n", 1);
        (void)ignored;
    }
    signal(number, SIG_DFL);
    raise(number);
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define SIGNALS (sizeof signals / sizeof *signals)

static int hide(int fd, struct sigaction *old) {
    if (tcgetattr(fd, &before) != 0) {
        return -1;
    }
    hidden_fd = fd;
    struct sigaction act = {.sa_handler = restore_and_die};
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], &act, &old[i]);
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(fd, TCSAFLUSH, &silent);
}

static void show_again(int fd, const struct sigaction *old) {
    tcsetattr(fd, TCSAFLUSH, &before);
    hidden_fd = -1;
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], &old[i], NULL);
    }
}

/* Bytes of one line, or -1 when the terminal has gone or the line is too long. */
static long read_line(int fd, char *out, size_t size) {
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || len == size - 1) {
            return -1;
        }
        if (c == '\n' || c == '\r') {
            out[len] = 0;
            return (long)len;
        }
        out[len++] = c;
    }
}

static int say(int fd, const char *text) {
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* Who traces this process, 0: nobody. */
static long tracer(void) {
    keel_buf text = KEEL_BUF_INIT;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    long pid = 0;
    if (fd >= 0) {
        (void)fsio_read_all(fd, 1 << 16, &text);
        const char *line = text.len ? strstr(text.data, "\nTracerPid:") : NULL;
        pid = line ? strtol(line + strlen("\nTracerPid:"), NULL, 10) : 0;
        close(fd);
    }
    keel_buf_free(&text);
    return pid;
}

int passphrase_guard(diag *d) {
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return diag_set(d, DIAG_AUTH,
                        "This system does not let a process keep its memory to itself: no "
                        "passphrase is asked.");
    }
    long pid = tracer(); /* from now on none can begin */
    if (pid) {
        diag_set(d, DIAG_AUTH,
                 "Process %ld traces this one, and would see the passphrase: it is not asked.",
                 pid);
        return diag_next(d, "Run the command without a debugger or tracer.");
    }
    return 0;
}

void passphrase_hold(const void *at, size_t size) {
    (void)sodium_mlock((void *)(uintptr_t)at, size);
}

int hidden_read(const char *prompt, const char *noun, char *out, size_t size, diag *d) {
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        diag_set(d, DIAG_AUTH, "The %s is only read from a terminal, and there is none here.",
                 noun);
        return diag_next(d, "Run this command in a terminal.");
    }
    struct sigaction old[SIGNALS];
    long len = -1;
    if (hide(fd, old) == 0) {
        if (say(fd, prompt) == 0) {
            len = read_line(fd, out, size);
        }
        show_again(fd, old);
        (void)say(fd, "\n");
    }
    close(fd);
    if (len < 0) {
        sodium_memzero(out, size);
        return diag_set(d, DIAG_AUTH, "No %s could be read from the terminal.", noun);
    }
    if (len == 0) {
        return diag_set(d, DIAG_AUTH, "No %s was given: nothing was done.", noun);
    }
    return 0;
}

int passphrase_read(const char *prompt, char out[PASSPHRASE_MAX], diag *d) {
    int rc = passphrase_guard(d);
    return rc ? rc : hidden_read(prompt, "passphrase", out, PASSPHRASE_MAX, d);
}

int approver_key_make(approver_key *key, const char *passphrase, const uint8_t salt[APPROVER_SALT],
                      diag *d) {
    uint8_t seed[crypto_sign_SEEDBYTES];
    passphrase_hold(key, sizeof *key);
    passphrase_hold(seed, sizeof seed);
    if (crypto_pwhash(seed, sizeof seed, passphrase, strlen(passphrase), salt,
                      crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        diag_set(d, DIAG_FAILED, "The key cannot be made: 64 MiB of memory are needed for it.");
        return diag_next(d, "Free memory and try again.");
    }
    crypto_sign_seed_keypair(key->public_key, key->secret, seed);
    sodium_memzero(seed, sizeof seed);
    return 0;
}

void approver_key_wipe(approver_key *key) {
    sodium_memzero(key, sizeof *key);
}

void approver_sign(const approver_key *key, const void *bytes, size_t len,
                   uint8_t signature[APPROVER_SIGNED]) {
    crypto_sign_detached(signature, NULL, bytes, len, key->secret);
}
