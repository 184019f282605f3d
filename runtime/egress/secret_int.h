/* Between the files of secrets, and scrub.c, which keeps some. */
#ifndef EGRESS_SECRET_INT_H
#define EGRESS_SECRET_INT_H

#include <stdint.h>

#include "secret.h"

/* Locked, out of cores, wiped when it is freed (NULL will do). Never NULL. */
char *secret_memory(size_t size);
void secret_memory_free(char *p);

/* A secret of SECRET_LIMIT bytes, its newline and one byte more, in secret_memory. */
#define SECRET_ROOM (SECRET_LIMIT + 2)
/* Reads into room[*len..] until the end, EAGAIN or a full room: 1 at the end or when it is full,
 * 0 on EAGAIN, or -errno. */
int secret_fill(int fd, char *room, size_t *len);
/* Makes the secret of what was read, or says what is wrong with it (DIAG_FAILED). `where` is for
 * the message: "the file of". Frees room. */
int secret_take(secret *out, char *room, size_t len, const char *where, const char *name, diag *d);

/* Runs it as secret.h says. argv: {"command":[...]}'s array. */
int secret_from_command(secret *out, const char *name, keel_json argv, int64_t limit_ms, diag *d);

#endif
