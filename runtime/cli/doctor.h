/* One check of `keel doctor` and what it found. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli.h"

typedef enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL } health;

typedef struct finding {
    health health;
    char what[400];
    char next[300]; /* what to do; may be empty */
} finding;

/* Fills f and returns true; false when the check does not apply here. */
typedef bool doctor_check(cli *c, finding *f);

void found(finding *f, health h, const char *what, ...) __attribute__((format(printf, 3, 4)));
void remedy(finding *f, const char *next, ...) __attribute__((format(printf, 2, 3)));

/* doctor_machine.c */
doctor_check check_version, check_sqlite, check_libraries, check_programs, check_landlock,
    check_seccomp, check_clock;
/* doctor_workspace.c */
doctor_check check_workspace, check_policy, check_addresses, check_permissions, check_anchor,
    check_fsync, check_space, check_database, check_approver, check_notify, check_kernel;

#endif
