/* TLS through a real keel-egress, against servers of the openssl command. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress_world.h"

static const char make[] =
    "cd '%s' && exec 2>make.log && "
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca "
    "-addext basicConstraints=critical,CA:TRUE && "
    "openssl req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=x && "
    "printf 'subjectAltName=DNS:localhost\\n' > ext && "
    "openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext "
    "-out cert.pem";

typedef struct server {
    pid_t pid;
    unsigned port;
    FILE *said; /* open while it lives, or its words would end it */
} server;

/* It takes a port that is free, and says which: "ACCEPT 127.0.0.1:PORT". */
static unsigned read_port(FILE *said) {
    char line[200];
    unsigned port;
    while (fgets(line, sizeof line, said)) {
        if (sscanf(line, "ACCEPT 127.0.0.1:%u", &port) == 1) {
            return port;
        }
    }
    fail_msg("the server of openssl does not come up");
    return 0;
}

/* mode: "-www", a web page; "-rev", lines backwards. */
static server serve(const char *folder, const char *mode, const char *version) {
    server s;
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fflush(stdout);
    s.pid = fork();
    if (s.pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (chdir(folder) < 0 || dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(null, 2) < 0) {
            _exit(1);
        }
        execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem",
               "-key", "key.pem", mode, version, (char *)NULL);
        _exit(1);
    }
    close(out[1]);
    s.said = fdopen(out[0], "r");
    s.port = read_port(s.said);
    return s;
}

static void stop(server s) {
    kill(s.pid, SIGKILL);
    waitpid(s.pid, NULL, 0);
    fclose(s.said);
}

static void connect_to(egress_world *w, uint64_t number, const char *scheme, const char *host,
                       unsigned port, bool with_ca, const char *more) {
    char ca[600] = "";
    char text[1200];
    if (with_ca) {
        snprintf(ca, sizeof ca, "\"ca\":\"%s/ca.pem\",", w->folder);
    }
    snprintf(text, sizeof text, "{%s\"name\":\"safe\",\"origins\":[\"%s://%s:%u\"]%s}", ca, scheme,
             host, port, more);
    egress_connection(w, number, text);
}

static const struct {
    const char *host;
    bool with_ca;
    const char *code; /* NULL: answered */
    const char *text;
} hosts[] = {
    {"localhost", true, NULL, NULL},
    {"localhost", false, "retry", "not trusted"},
    {"127.0.0.1", true, "retry", "not trusted"}, /* the certificate names another */
    {"app.localhost", true, "retry", "not trusted"},
};

static void test_https(void **state) {
    egress_world *w = *state;
    server s = serve(w->folder, "-www", "-tls1_3");
    char url[100];
    egress_side *x = egress_executor(w, 7, 1);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        connect_to(w, 1, "https", hosts[i].host, s.port, hosts[i].with_ca, ",\"private\":true");
        egress_order(w, 100 + i, 7, 1, true);
        snprintf(url, sizeof url, "https://%s:%u/", hosts[i].host, s.port);
        egress_http(x, 100 + i, 1 + i, hosts[i].code ? "POST" : "GET", url, NULL, NULL);
        if (hosts[i].code) {
            egress_expect_code(x, E_FAILED, hosts[i].code, hosts[i].text);
        } else {
            egress_expect(x, E_DONE);
        }
        assert_false(keel_json_true(keel_json_get(egress_over(w, 100 + i), "sent")));
    }
    egress_side_free(x);
    stop(s);
}

static void test_old_version(void **state) {
    egress_world *w = *state;
    server s = serve(w->folder, "-www", "-tls1_1");
    char url[100];
    egress_side *x = egress_executor(w, 7, 1);
    connect_to(w, 1, "https", "localhost", s.port, true, "");
    egress_order(w, 200, 7, 1, true);
    snprintf(url, sizeof url, "https://localhost:%u/", s.port);
    egress_http(x, 200, 1, "POST", url, NULL, NULL);
    egress_expect_code(x, E_FAILED, "retry", NULL);
    assert_false(keel_json_true(keel_json_get(egress_over(w, 200), "sent")));
    egress_side_free(x);
    stop(s);
}

static void test_stream(void **state) {
    egress_world *w = *state;
    server s = serve(w->folder, "-rev", "-tls1_2");
    char address[100];
    egress_side *x = egress_executor(w, 7, 1);
    snprintf(address, sizeof address, "tls://localhost:%u", s.port);
    connect_to(w, 1, "tls", "localhost", s.port, false, "");
    egress_order(w, 300, 7, 1, true);
    egress_stream(x, 300, 1, address);
    egress_expect_code(x, E_FAILED, "retry", "not trusted");
    connect_to(w, 1, "tls", "localhost", s.port, true, "");
    egress_order(w, 301, 7, 1, true);
    egress_stream(x, 301, 2, address);
    egress_expect(x, E_OPENED);
    egress_say(x, E_DATA, 2, 301, "hello\n", 6);
    frame f = egress_expect(x, E_DATA);
    assert_memory_equal(f.body, "olleh\n", 6);
    keel_json e = egress_over(w, 301);
    assert_true(keel_json_true(keel_json_get(e, "sent")));
    assert_true(keel_json_true(keel_json_get(e, "answered")));
    egress_side_free(x);
    stop(s);
}

static int begin(void **state) {
    egress_world *w = egress_start();
    char text[2000];
    snprintf(text, sizeof text, make, w->folder);
    *state = w;
    return system(text);
}

static int end(void **state) {
    egress_end(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_https),
        cmocka_unit_test(test_old_version),
        cmocka_unit_test(test_stream),
    };
    if (system("openssl version >/dev/null 2>&1") != 0) {
        puts("1..0 # SKIP the openssl command is not installed");
        return 0;
    }
    return cmocka_run_group_tests(tests, begin, end);
}
