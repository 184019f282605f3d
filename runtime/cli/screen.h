/* The terminal as one full screen: the alternate one, keys unread by the line discipline, and given
 * back as it was whatever happens: at the end, at Ctrl-C and SIGTERM, when the process is stopped, and
 * when it crashes. One at a time; one thread. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"

typedef struct screen screen;

/* Whether there is one to be had: standard input and output are terminals that can do more than
 * print. */
bool screen_possible(void);
int screen_open(screen **out, diag *d);
void screen_close(screen *s); /* NULL is fine */
/* For something else that uses the terminal; between the two, the screen is the usual one. */
void screen_suspend(screen *s);
void screen_resume(screen *s);

/* True when its size is not the one told last, or all has to be drawn again. */
bool screen_size(screen *s, size_t *rows, size_t *columns);
void screen_redraw(screen *s); /* the next one is drawn as a whole */
/* Draws the rows that differ from those before, and puts the cursor there, or hides it. */
void screen_show(screen *s, const keel_buf *rows, size_t count, bool cursor, size_t row,
                 size_t column);
/* Waits for bytes. How many came; 0: none in time, or a signal came; -1: the terminal is gone. */
long screen_read(screen *s, int timeout_ms, unsigned char *bytes, size_t size);

#endif
