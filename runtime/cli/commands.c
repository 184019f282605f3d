#include "commands.h"

#include <string.h>

#include "yamltree.h"

extern const command init_command, up_command, down_command, do_command, inbox_command,
    answer_command, override_command, approve_command, deny_command, why_command, can_command,
    costs_command, budget_command, logs_command, halt_command, resume_command, doctor_command,
    help_command_entry, run_command, stuck_command, unknown_command, agent_command,
    connector_command, connection_command, plugin_command, policy_command, approver_command,
    audit_command, dev_command, replay_command, secret_command, rollback_command, grant_command,
    torture_command, backup_command, restore_command, denial_command, notify_command;

static const command *const day[] = {
    &do_command,       &inbox_command,    &approve_command, &deny_command,  &answer_command,
    &override_command, &why_command,      &can_command,     &costs_command, &budget_command,
    &logs_command,     &rollback_command, &replay_command,  NULL,
};
static const command *const things[] = {
    &run_command,       &stuck_command,
    &unknown_command,   &agent_command,
    &connector_command, &connection_command,
    &plugin_command,    &policy_command,
    &approver_command,  &grant_command,
    &denial_command,    &secret_command,
    &notify_command,    NULL,
};
static const command *const host[] = {
    &init_command,  &up_command,     &down_command,    &dev_command,
    &halt_command,  &resume_command, &backup_command,  &restore_command,
    &audit_command, &doctor_command, &torture_command, &help_command_entry,
    NULL,
};

const command_group command_groups[] = {
    {"The day", day},
    {"Things (each with list, show and its own verbs)", things},
    {"The workspace", host},
    {NULL, NULL},
};

static const command *find_in(const command *const *list, const char *name) {
    for (size_t i = 0; list[i]; i++) {
        if (strcmp(list[i]->name, name) == 0) {
            return list[i];
        }
    }
    return NULL;
}

const command *command_find(const char *name) {
    const command *found = NULL;
    for (size_t i = 0; command_groups[i].title && !found; i++) {
        found = find_in(command_groups[i].commands, name);
    }
    return found;
}

const command *command_verb(const command *thing, const char *name) {
    return find_in(thing->verbs, name);
}

int command_unknown(const command *thing, const char *name, diag *d) {
    const char *names[64];
    size_t count = 0;
    for (size_t g = 0; !thing && command_groups[g].title; g++) {
        for (size_t i = 0; command_groups[g].commands[i]; i++) {
            names[count++] = command_groups[g].commands[i]->name;
        }
    }
    for (size_t i = 0; thing && thing->verbs[i]; i++) {
        names[count++] = thing->verbs[i]->name;
    }
    names[count] = NULL;
    const char *near = did_you_mean(name, names);
    const char *noun = thing ? thing->name : "";
    const char *space = thing ? " " : "";
    diag_set(d, DIAG_USAGE, "There is no command `keel %s%s%s`.", noun, space, name);
    if (near) {
        return diag_next(d, "Did you mean `keel %s%s%s`?", noun, space, near);
    }
    return diag_next(d, "See `keel help%s%s`.", space, noun);
}
