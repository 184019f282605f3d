/* Commands of people: one row per command, one function each (control.h says what they take). */
#ifndef KERNEL_COMMAND_H
#define KERNEL_COMMAND_H

#include "parts.h"

typedef struct command {
    uint64_t client;
    uint64_t ref;
    keel_json args;
    keel_buf result; /* canonical object; empty means {} */
    bool later;      /* it is answered when what it began is over */
} command;

/* 0, or a DIAG_ code with d filled and nothing decided. */
typedef int command_function(kernel *k, command *c, diag *d);

command_function command_do, command_run_cancel, command_run_label, command_run_migrate,
    command_run_resume, command_run_send, command_rollback;
/* The run that "run" names, or the one that goes on from it; open or paused. */
int command_find_run(kernel *k, command *c, run **out, diag *d);
/* After the answer, also a repeated one: the stream that it asked for. */
void do_answered(kernel *k, const command *c, keel_json result);
command_function command_approve, command_deny, command_denial_lift, command_edit, command_verdict,
    command_batch, command_shown, command_gathered, command_approver_set, command_grant_revoke,
    command_answer, command_override, command_override_plan;
command_function command_stuck_retry, command_stuck_resolve, command_stuck_drop,
    command_unknown_check;
command_function command_connection_retry, command_status, command_down, command_halt,
    command_resume, command_reload, command_events, command_notify_test;

/* From now on nothing new is done. by_space: the disk is why, and room on it lifts the halt. */
void halt(kernel *k, const char *why, bool by_space);

#endif
