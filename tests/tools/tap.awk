# Counts the TAP of one test program: prints "PASSED FAILED", and the details of what failed to the
# file `details`. -v name=PROGRAM -v code=EXIT (empty: it never ended) -v details=FILE
#
# Nothing is taken on trust: a skipped test, a missing one, one without a plan and a bad end all fail.

function fault(text) {
    failed++
    print "  " name ": " text >>details
}

/^1\.\.[0-9]+/ {
    plan += substr($1, 4)
    planned = 1
    next
}
/^ok([ \t]|$)/ {
    ran++
    talking = 0
    if (tolower($0) ~ /#[ \t]*(skip|todo)/) {
        fault("skipped: " $0)
    } else {
        passed++
    }
    next
}
/^not ok([ \t]|$)/ {
    ran++
    fault($0)
    talking = 1
    next
}
/^Bail out!/ {
    fault($0)
    next
}
/^[ \t]*#/ && talking {
    print "    " $0 >>details
}

END {
    if (!planned) {
        fault("printed no test plan")
    }
    if (ran < plan) {
        fault(plan - ran " of " plan " tests did not run")
        failed += plan - ran - 1
    }
    if (code == "") {
        fault("did not end: killed, or out of time")
    } else if (code != 0 && failed == 0) {
        fault("ended with exit code " code)
    }
    print passed + 0, failed + 0
}
