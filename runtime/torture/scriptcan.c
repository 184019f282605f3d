/* A script whose command this program does not have is left out. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "scripts.h"

bool script_can(const script *sc) {
    char thing[40];
    if (!sc->needs) {
        return true;
    }
    size_t len = strcspn(sc->needs, " ");
    snprintf(thing, sizeof thing, "%.*s", (int)len, sc->needs);
    const command *found = command_find(thing);
    return found && (!sc->needs[len] || (found->verbs && command_verb(found, sc->needs + len + 1)));
}
