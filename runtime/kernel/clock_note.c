#include "clock_note.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"

#define PATH         4096
#define DIFFERENT_US 1000000

static void note_path(const char *folder, char out[PATH]) {
    snprintf(out, PATH, "%s/clock", folder);
}

/* The id of this start of the machine; "" where there is none. */
static void machine_start(char out[64]) {
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!f || fscanf(f, "%63s", out) != 1) {
        out[0] = 0;
    }
    if (f) {
        fclose(f);
    }
}

int64_t clock_note_read(const char *folder, int64_t boot_us) {
    char path[PATH], now[64] = "", then[64] = "";
    int64_t wall = 0, boot = 0;
    int end = 0; /* a line that was broken off is none: its last number may lack digits */
    keel_buf text = KEEL_BUF_INIT;
    note_path(folder, path);
    machine_start(now);
    bool good =
        !fsio_read(path, 200, &text, NULL) &&
        sscanf(text.data, "%63s %" SCNd64 " %" SCNd64 "%n", then, &wall, &boot, &end) == 3 &&
        text.data[end] == '\n' && *now && !strcmp(now, then) && boot > 0 && boot <= boot_us &&
        wall > 0 && wall < INT64_MAX / 2;
    keel_buf_free(&text);
    return good ? wall + (boot_us - boot) : 0;
}

void clock_note_write(const char *folder, int64_t wall_us, int64_t boot_us) {
    static int64_t written;
    int64_t offset = wall_us - boot_us;
    char path[PATH], now[64] = "", text[160];
    if (offset - written < DIFFERENT_US && written - offset < DIFFERENT_US) {
        return;
    }
    machine_start(now);
    note_path(folder, path);
    int n = snprintf(text, sizeof text, "%s %" PRId64 " %" PRId64 "\n", now, wall_us, boot_us);
    /* In its place, and not synced: behind a loss of power it is worth nothing, and a death in the midst
     * of it leaves no other file behind. */
    int fd = *now ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd >= 0 && !fsio_write_all(fd, text, (size_t)n)) {
        written = offset;
    }
    if (fd >= 0) {
        close(fd);
    }
}
