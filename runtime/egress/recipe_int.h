/* Between recipe_read.c, which checks a recipe, and recipe_apply.c and recipe_oauth.c, which use it. */
#ifndef EGRESS_RECIPE_INT_H
#define EGRESS_RECIPE_INT_H

#include "recipe.h"

struct recipe {
    recipe_kind kind;
    /* Texts of the keys of the same name; NULL: not given. */
    char *user;
    char *name;
    char *prefix;
    char *header;
    char *digest;
    char *encoding;
    char *over;
    char *timestamp_header;
    char *token_url;
    char *client_id;
    char *scope;
    /* Names of secrets. `main` is password, token, value, key or refresh_token. */
    char *main;
    char *client_secret;
    const char *secrets[3];
};

/* Joins texts in memory that is wiped. */
typedef struct piece {
    const char *data;
    size_t len;
} piece;
void recipe_join(secret *out, const piece *pieces, size_t count);
/* Reads r's main secret, or another, and refuses bytes below ' ' and 0x7f in it, which no header and
 * no login line can carry; `spaces`: whether blanks may stand in it. */
int recipe_secret(secret *out, const secret_places *places, const char *name, bool spaces, diag *d);

#endif
