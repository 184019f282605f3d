/* A disk that is nearly full halts the workspace before a commit fails, and lifts that halt again. A
 * person's halt is the person's, and stays. */
#include <string.h>

#include "command.h"
#include "parts.h"

void kernel_space(kernel *k, bool low) {
    command c = {0};
    diag d = {0};
    if (low == k->space_low) {
        return;
    }
    k->space_low = false; /* a resume is refused while it is low */
    if (low && !k->halted) {
        halt(k, "the disk is nearly full", true);
        kernel_log(
            k, "warn", 0,
            "Free some space on the disk: work goes on by itself then. Reading and `keel run "
            "cancel` work meanwhile.");
    } else if (!low && k->halted_by_space) {
        command_resume(k, &c, &d);
    }
    k->space_low = low;
    keel_buf_free(&c.result);
}

void space_recover(kernel *k, bool by_space) {
    k->halted_by_space = k->halted && by_space;
    k->space_low = k->halted_by_space; /* until the host has looked */
}
