/* keel-executor: runs one plugin for the kernel, which starts it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "executor.h"
#include "sandbox.h"

int main(int argc, char **argv) {
    bool unsafe = argc == 2 && strcmp(argv[1], "--unsafe") == 0;
    if (argc > 2 || (argc == 2 && !unsafe)) {
        fputs("keel-executor: started by keel, not by hand; it takes only --unsafe\n", stderr);
        return 2;
    }
    if (sandbox_begin() < 0 || digest_init() < 0) {
        perror("keel-executor: cannot start");
        return 1;
    }
    return executor_main(unsafe);
}
