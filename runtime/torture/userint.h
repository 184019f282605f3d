/* What user.c (the copy) and userlive.c (its life) share. */
#ifndef USERINT_H
#define USERINT_H

#include "scene.h"
#include "user.h"

typedef struct user_agent {
    const user *user;
    script script;
    char *name;     /* of the agent */
    scene **scenes; /* at least one; one without a file has the input {} */
    size_t count;
} user_agent;

struct user {
    char folder[160]; /* the copy: ws and share below it */
    char **connections;
    size_t connection_count;
    user_agent *agents;
    size_t agent_count;
};

/* ---- userlive.c ---- */
bool user_live(site *s);
void user_check(site *s, const script *sc);

#endif
