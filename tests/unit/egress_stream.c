/* Streams through a real keel-egress: addresses, logins, windows, evidence. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress_lines.h"
#include "egress_world.h"

#define SECRET "s3cret-Value_1"

typedef struct set {
    lines lines;
    egress_world *w;
    egress_side *x; /* executor 7 of connection 1, which may go to the server by tcp */
    char address[64];
    keel_buf heard;
} set;

static void connection(set *s, const char *scheme, const char *more) {
    char text[600];
    snprintf(text, sizeof text, "{\"name\":\"mail\",\"origins\":[\"%s://127.0.0.1:%u\"]%s}", scheme,
             s->lines.port, more);
    egress_connection(s->w, 1, text);
}

static void begin(set *s) {
    memset(s, 0, sizeof *s);
    lines_start(&s->lines);
    s->w = egress_start();
    snprintf(s->address, sizeof s->address, "tcp://127.0.0.1:%u", s->lines.port);
    connection(s, "tcp", ",\"plain\":true");
    s->x = egress_executor(s->w, 7, 1);
}

static void end(set *s) {
    egress_side_free(s->x);
    egress_end(s->w);
    lines_stop(&s->lines);
    keel_buf_free(&s->heard);
}

static void write_to(set *s, uint64_t order, uint64_t run, const char *text) {
    egress_say(s->x, E_DATA, run, order, text, strlen(text));
}

/* Takes what comes until it ends in `text`; tells egress that it was taken. */
static void read_until(set *s, uint64_t run, const char *text) {
    size_t n = strlen(text);
    keel_buf_clear(&s->heard);
    while (s->heard.len < n || memcmp(s->heard.data + s->heard.len - n, text, n) != 0) {
        frame f = egress_expect(s->x, E_DATA);
        assert_int_equal(f.run, run);
        keel_buf_append(&s->heard, f.body, f.len);
        egress_say(s->x, E_TAKEN, run, f.len, NULL, 0);
    }
}

static void open_stream(set *s, uint64_t order, uint64_t run) {
    egress_stream(s->x, order, run, s->address);
    assert_int_equal(egress_expect(s->x, E_OPENED).run, run);
    read_until(s, run, "* OK ready\r\n");
}

/* The executor is heard again. */
static void open_stream_again(set *s) {
    egress_order(s->w, 900, 7, 1, true);
    open_stream(s, 900, 900);
}

static void over(set *s, uint64_t order, bool sent, bool answered) {
    keel_json e = egress_over(s->w, order);
    assert_int_equal(keel_json_true(keel_json_get(e, "sent")), sent);
    assert_int_equal(keel_json_true(keel_json_get(e, "answered")), answered);
}

/* Waits until the server has so many bytes. */
static void await_heard(set *s, long long n) {
    for (int i = 0; i < 4000 && atomic_load(&s->lines.heard) < n; i++) {
        usleep(5000);
    }
    assert_int_equal(atomic_load(&s->lines.heard), n);
}

/* ---- addresses ---- */

static const struct {
    const char *scheme; /* of the connection's origin */
    const char *more;
    const char *address; /* "%u" is the port */
    const char *code;    /* NULL: opened */
    const char *text;
} addresses[] = {
    {"tcp", ",\"plain\":true", "tcp://127.0.0.1:%u", NULL, NULL},
    {"tcp", "", "tcp://127.0.0.1:%u", "denied", "plain: true"},
    {"tcp", ",\"plain\":true", "tls://127.0.0.1:%u", "denied", NULL},
    {"tcp", ",\"plain\":true", "tcp://127.0.0.1:1", "denied", NULL},
    {"tcp", ",\"plain\":true", "tcp://127.0.0.1", "invalid", NULL},
    {"http", ",\"plain\":true", "http://127.0.0.1:%u", "invalid", "imap"},
    {"tcp", ",\"allow\":[],\"plain\":true", "tcp://127.0.0.1:%u", "denied", "policy"},
    {"tls", "", "tls://127.0.0.1:%u", "retry", NULL}, /* it speaks no TLS */
    {"imap", "", "imap://127.0.0.1:%u", "denied", "STARTTLS"},
    {"imap", ",\"plain\":true", "imap://127.0.0.1:%u", NULL, NULL},
    {"imap",
     ",\"auth\":{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"good\"},\"user\":\"me\"},"
     "\"plain\":true",
     "imap://127.0.0.1:%u", NULL, NULL},
    {"imap",
     ",\"auth\":{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"good\"},\"user\":\"me\"}",
     "imap://127.0.0.1:%u", "denied", "STARTTLS"},
    {"imap",
     ",\"auth\":{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"bad\"},\"user\":\"me\"},"
     "\"plain\":true",
     "imap://127.0.0.1:%u", "denied", "login"},
    {"imap",
     ",\"auth\":{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"none\"},\"user\":\"me\"},"
     "\"plain\":true",
     "imap://127.0.0.1:%u", "denied", "none"},
    {"imap", ",\"auth\":{\"kind\":\"bearer\",\"token\":{\"secret\":\"good\"}},\"plain\":true",
     "imap://127.0.0.1:%u", "denied", "not one for"},
};

static void test_addresses(void **state) {
    (void)state;
    set s;
    char text[100];
    begin(&s);
    egress_secret(s.w, "good", SECRET);
    egress_secret(s.w, "bad", "something-else");
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        connection(&s, addresses[i].scheme, addresses[i].more);
        egress_order(s.w, 100 + i, 7, 1, true);
        const char *port = strstr(addresses[i].address, "%u");
        snprintf(text, sizeof text, "%.*s", port ? (int)(port - addresses[i].address) : 99,
                 addresses[i].address);
        if (port) {
            snprintf(text + strlen(text), 20, "%u", s.lines.port);
        }
        egress_stream(s.x, 100 + i, 1 + i, text);
        if (addresses[i].code) {
            egress_expect_code(s.x, E_FAILED, addresses[i].code, addresses[i].text);
        } else {
            assert_int_equal(egress_expect(s.x, E_OPENED).run, 1 + i);
            if (strcmp(addresses[i].scheme, "tcp") == 0) { /* else it was for the login */
                read_until(&s, 1 + i, "* OK ready\r\n");
            }
            egress_say(s.x, E_CLOSE, 1 + i, 100 + i, NULL, 0);
        }
        over(&s, 100 + i, false, false);
    }
    end(&s);
}

/* ---- bytes ---- */

static void test_relay(void **state) {
    (void)state;
    set s;
    begin(&s);
    s.lines.watch = s.w->kernel.fd;
    egress_order(s.w, 50, 7, 1, true);
    open_stream(&s, 50, 1);
    write_to(&s, 50, 1, "hello\r\n");
    read_until(&s, 1, "hello\r\n");
    assert_true(atomic_load(&s.lines.watched)); /* the kernel knew before the server did */
    assert_int_equal(egress_expect(&s.w->kernel, G_SENDING).ref, 50);
    write_to(&s, 50, 1, "flood 3000000\r\nend\r\n");
    read_until(&s, 1, "end\r\n");
    assert_int_equal(s.heard.len, 3000005);
    over(&s, 50, true, true);
    egress_order(s.w, 51, 7, 1, true); /* the stream outlives its order */
    write_to(&s, 51, 1, "again\r\n");
    read_until(&s, 1, "again\r\n");
    write_to(&s, 51, 1, "bye\r\n");
    read_until(&s, 1, "bye\r\n");
    egress_expect_code(s.x, E_CLOSED, "ok", NULL);
    write_to(&s, 51, 1, "too late\r\n"); /* nobody is told twice */
    over(&s, 51, true, true);
    assert_int_equal(egress_next(s.x, 100).type, 0);
    end(&s);
}

static void test_window(void **state) {
    (void)state;
    set s;
    size_t got = 0;
    begin(&s);
    egress_order(s.w, 50, 7, 1, false);
    open_stream(&s, 50, 1);
    write_to(&s, 50, 1, "flood 1000000\r\n");
    while (got < EGRESS_WINDOW) {
        got += egress_expect(s.x, E_DATA).len;
    }
    assert_int_equal(got, EGRESS_WINDOW);
    assert_int_equal(egress_next(s.x, 300).type, 0);
    egress_say(s.x, E_TAKEN, 1, 1000, NULL, 0);
    assert_int_equal(egress_expect(s.x, E_DATA).len, 1000);
    egress_say(s.x, E_TAKEN, 1, EGRESS_WINDOW + 1, NULL, 0); /* more than there was */
    while (egress_next(s.x, 20000).type) {
    }
    assert_true(s.x->closed);
    end(&s);
}

/* Whether egress still reads what is written to it. Its answers to the kernel show that it had a turn. */
static bool reads_on(set *s) {
    struct pollfd p = {.fd = s->x->fd, .events = POLLOUT};
    for (int i = 0; i < 3 && poll(&p, 1, 100) <= 0; i++) {
        egress_over(s->w, 999);
    }
    return poll(&p, 1, 0) > 0;
}

/* What a server does not take does not pile up, and the end of the order says so. */
static void test_deaf(void **state) {
    (void)state;
    set s;
    static char block[4096];
    size_t sent = 0;
    begin(&s);
    memset(block, 'y', sizeof block);
    egress_order(s.w, 50, 7, 1, true);
    open_stream(&s, 50, 1);
    write_to(&s, 50, 1, "deaf\r\n");
    while (sent < 64u << 20 && reads_on(&s)) {
        egress_say(s.x, E_DATA, 1, 50, block, sizeof block);
        sent += sizeof block;
    }
    assert_true(sent < 32u << 20); /* the network's own room, and 1 MiB */
    over(&s, 50, true, false);
    egress_expect_code(s.x, E_CLOSED, "unknown", "over");
    open_stream_again(&s);
    end(&s);
}

/* ---- evidence ---- */

static void test_evidence(void **state) {
    (void)state;
    set s;
    begin(&s);
    egress_order(s.w, 50, 7, 1, true);
    open_stream(&s, 50, 1);
    over(&s, 50, false, false);
    egress_order(s.w, 51, 7, 1, true);
    write_to(&s, 51, 1, "one\r\n");
    read_until(&s, 1, "one\r\n");
    write_to(&s, 51, 1, "mute\r\n"); /* said after the last byte: no */
    over(&s, 51, true, false);
    egress_order(s.w, 52, 7, 1, true);
    write_to(&s, 52, 1, "two\r\n");
    read_until(&s, 1, "two\r\n");
    egress_order(s.w, 53, 7, 1, true);
    write_to(&s, 53, 1, "mute\r\n");
    await_heard(&s, 22);
    egress_say(s.x, E_CLOSE, 1, 53, NULL, 0);
    over(&s, 53, true, false);
    over(&s, 52, true, true);
    end(&s);
}

static void test_orders(void **state) {
    (void)state;
    set s;
    begin(&s);
    egress_order(s.w, 50, 7, 1, true);
    open_stream(&s, 50, 1);
    open_stream(&s, 50, 2);
    egress_order(s.w, 60, 8, 1, true); /* another's */
    write_to(&s, 60, 1, "foreign\r\n");
    egress_expect_code(s.x, E_CLOSED, "denied", NULL);
    over(&s, 50, false, false);
    write_to(&s, 50, 2, "closed\r\n");
    egress_expect_code(s.x, E_CLOSED, "denied", "over");
    egress_order(s.w, 51, 7, 1, true);
    open_stream(&s, 51, 3);
    write_to(&s, 52, 3, "early\r\n"); /* its order comes later, and what follows stays behind it */
    write_to(&s, 51, 3, "second\r\n");
    assert_int_equal(egress_next(s.x, 200).type, 0);
    egress_order(s.w, 52, 7, 1, true);
    read_until(&s, 3, "second\r\n");
    assert_memory_equal(s.heard.data, "early\r\nsecond\r\n", s.heard.len);
    assert_int_equal(atomic_load(&s.lines.heard), 15);
    end(&s);
}

static void test_secret(void **state) {
    (void)state;
    set s;
    begin(&s);
    egress_secret(s.w, "good", SECRET);
    connection(
        &s, "imap",
        ",\"auth\":{\"kind\":\"sasl-plain\",\"password\":{\"secret\":\"good\"},\"user\":\"me\"},"
        "\"plain\":true");
    egress_order(s.w, 50, 7, 1, true);
    snprintf(s.address, sizeof s.address, "imap://127.0.0.1:%u", s.lines.port);
    egress_stream(s.x, 50, 1, s.address);
    egress_expect(s.x, E_OPENED);
    write_to(&s, 50, 1, "so " SECRET " it is\r\n");
    read_until(&s, 1, "it is\r\n");
    assert_memory_equal(s.heard.data, "so ************** it is\r\n", s.heard.len);
    write_to(&s, 50, 1, "s3c\r\n"); /* the beginning of one, and nothing follows */
    read_until(&s, 1, "s3c\r\n");
    end(&s);
}

/* ---- many, and their end ---- */

static void test_many(void **state) {
    (void)state;
    set s;
    begin(&s);
    egress_order(s.w, 50, 7, 1, true);
    for (uint64_t i = 1; i <= 40; i++) {
        open_stream(&s, 50, i);
    }
    usleep(1100000); /* curl looks after its connections once a second, when another is made */
    for (uint64_t i = 41; i <= 64; i++) {
        open_stream(&s, 50, i);
    }
    egress_stream(s.x, 50, 65, s.address);
    egress_expect_code(s.x, E_FAILED, "retry", "64 streams");
    for (uint64_t i = 1; i <= 64; i++) {
        write_to(&s, 50, i, "still here\r\n");
        read_until(&s, i, "still here\r\n");
    }
    assert_int_equal(atomic_load(&s.lines.open), 64);
    egress_side_free(s.x);
    for (int i = 0; i < 1000 && atomic_load(&s.lines.open); i++) {
        usleep(20000);
    }
    assert_int_equal(atomic_load(&s.lines.open), 0);
    over(&s, 50, true, true);
    s.x = egress_executor(s.w, 7, 1);
    end(&s);
}

static void test_changed(void **state) {
    (void)state;
    set s;
    begin(&s);
    egress_order(s.w, 50, 7, 1, true);
    open_stream(&s, 50, 1);
    over(&s, 50, false, false);
    connection(&s, "tcp", ",\"plain\":true"); /* the same words */
    egress_order(s.w, 51, 7, 1, true);
    write_to(&s, 51, 1, "here\r\n");
    read_until(&s, 1, "here\r\n");
    over(&s, 51, true, true);
    connection(&s, "tcp", ""); /* others: what is idle ends */
    egress_expect_code(s.x, E_CLOSED, "retry", "changed");
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_relay),
        cmocka_unit_test(test_window),    cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_evidence),  cmocka_unit_test(test_orders),
        cmocka_unit_test(test_secret),    cmocka_unit_test(test_many),
        cmocka_unit_test(test_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
