/* What the tables of recipes share: a folder with secrets, and recipes from JSON. */
#ifndef RECIPE_WORLD_H
#define RECIPE_WORLD_H

#include "recipe.h"

extern secret_places places;

int recipe_enter(void **state);
int recipe_leave(void **state);
void set_secret(const char *name, const char *value, size_t len);
/* Compares a secret, and frees it. */
void is_secret(secret *s, const char *text);
int try_recipe(recipe **out, const char *json, diag *d);
recipe *make_recipe(const char *json);
/* Fails the test unless d says both. */
void says(const diag *d, const char *what, const char *next);

#endif
