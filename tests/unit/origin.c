/* Addresses: what is accepted and how it is written, what is refused and with which words, and what
 * covers what. long: the corpus is tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "origin.h"

static const struct accepted {
    const char *url;
    const char *written;
    bool literal;
} accepted[] = {
    {"http://example.com", "http://example.com:80/", false},
    {"https://example.com", "https://example.com:443/", false},
    {"https://example.com/", "https://example.com:443/", false},
    {"HTTPS://Example.COM/Path", "https://example.com:443/Path", false},
    {"https://example.com:443", "https://example.com:443/", false},
    {"https://example.com:1", "https://example.com:1/", false},
    {"https://example.com:65535/x", "https://example.com:65535/x", false},
    {"https://example.com?q=1", "https://example.com:443/?q=1", false},
    {"https://example.com/v1?x=1&y=%20", "https://example.com:443/v1?x=1&y=%20", false},
    {"https://example.com/a//b", "https://example.com:443/a//b", false},
    {"https://example.com/a@b:c", "https://example.com:443/a@b:c", false},
    {"https://example.com/?u=http://x@y", "https://example.com:443/?u=http://x@y", false},
    {"https://example.com/...", "https://example.com:443/...", false},
    {"https://example.com/.well-known/x", "https://example.com:443/.well-known/x", false},
    {"https://example.com/..x/x../.x", "https://example.com:443/..x/x../.x", false},
    {"https://example.com/?..", "https://example.com:443/?..", false},
    {"https://example.com/?x=../..", "https://example.com:443/?x=../..", false},
    {"https://example.com/100%25", "https://example.com:443/100%25", false},
    {"https://example.com/a%2fb%2Fc", "https://example.com:443/a%2fb%2Fc", false},
    {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443/", false},
    {"https://a-b.c-d.example", "https://a-b.c-d.example:443/", false},
    {"https://1.example", "https://1.example:443/", false},
    {"https://0x7f.example", "https://0x7f.example:443/", false},
    {"https://127.0.0.1.nip.example", "https://127.0.0.1.nip.example:443/", false},
    {"https://intranet", "https://intranet:443/", false},
    {"https://3com", "https://3com:443/", false},
    {"https://0xcafes", "https://0xcafes:443/", false},
    {"http://localhost:8080", "http://localhost:8080/", true},
    {"http://LOCALHOST", "http://localhost:80/", true},
    {"http://a.localhost", "http://a.localhost:80/", false},
    {"http://127.0.0.1", "http://127.0.0.1:80/", true},
    {"http://0.0.0.0", "http://0.0.0.0:80/", true},
    {"http://255.255.255.255:9/x", "http://255.255.255.255:9/x", true},
    {"http://169.254.169.254/latest", "http://169.254.169.254:80/latest", true},
    {"http://[::1]", "http://[::1]:80/", true},
    {"http://[::1]:8080/x", "http://[::1]:8080/x", true},
    {"http://[0:0:0:0:0:0:0:1]", "http://[::1]:80/", true},
    {"http://[2001:DB8::A]/", "http://[2001:db8::a]:80/", true},
    {"http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]:80/", true},
    {"http://[::FFFF:7f00:1]", "http://[::ffff:127.0.0.1]:80/", true},
    {"http://[fd00:ec2::254]", "http://[fd00:ec2::254]:80/", true},
    {"imap://mail.example.com", "imap://mail.example.com:143", false},
    {"imaps://mail.example.com", "imaps://mail.example.com:993", false},
    {"imaps://mail.example.com/", "imaps://mail.example.com:993", false},
    {"smtp://mail.example.com", "smtp://mail.example.com:587", false},
    {"smtp://mail.example.com:25", "smtp://mail.example.com:25", false},
    {"smtps://mail.example.com", "smtps://mail.example.com:465", false},
    {"tls://irc.example.com:6697", "tls://irc.example.com:6697", false},
    {"tcp://127.0.0.1:1143", "tcp://127.0.0.1:1143", true},
    {"tcp://[::1]:1143", "tcp://[::1]:1143", true},
};

static void accepts_and_writes_one_form(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct accepted *a = &accepted[i];
        origin o;
        origin again;
        diag d = {0};
        keel_buf out = KEEL_BUF_INIT;
        keel_buf twice = KEEL_BUF_INIT;
        if (origin_parse(&o, a->url, strlen(a->url), &d)) {
            fail_msg("%s: %s", a->url, d.what);
        }
        origin_write(&o, &out);
        assert_string_equal(out.data, a->written);
        assert_int_equal(o.literal, a->literal);
        /* The path is the caller's own bytes. */
        assert_true(o.path >= a->url && o.path + o.path_len <= a->url + strlen(a->url));
        assert_int_equal(origin_parse(&again, out.data, out.len, &d), 0);
        origin_write(&again, &twice);
        assert_string_equal(twice.data, a->written);
        keel_buf_free(&out);
        keel_buf_free(&twice);
    }
}

#define L(text) text, sizeof(text) - 1

static const struct refused {
    const char *url;
    size_t len;
    const char *says;
} refused[] = {
    /* schemes */
    {L(""), "must begin with"},
    {L("example.com"), "must begin with"},
    {L("example.com:443"), "must begin with"},
    {L("//example.com/x"), "must begin with"},
    {L("/x"), "must begin with"},
    {L("http:/example.com"), "must begin with"},
    {L("http:example.com"), "must begin with"},
    {L("http//example.com"), "must begin with"},
    {L("https:///example.com"), "names no host"},
    {L("http:////example.com"), "names no host"},
    {L("javascript:alert(1)"), "must begin with"},
    {L("file:///etc/passwd"), "must begin with"},
    {L("file://localhost/etc/passwd"), "must begin with"},
    {L("gopher://127.0.0.1:25/_HELO"), "must begin with"},
    {L("dict://127.0.0.1:11211/stat"), "must begin with"},
    {L("ftp://example.com/"), "must begin with"},
    {L("ldap://example.com/"), "must begin with"},
    {L("data:text/plain,x"), "must begin with"},
    {L("ws://example.com/"), "must begin with"},
    {L("unix:///run/docker.sock"), "must begin with"},
    {L("jar:http://example.com!/"), "must begin with"},
    {L("httpss://example.com"), "must begin with"},
    {L("view-source:http://example.com"), "must begin with"},
    /* bytes */
    {L(" http://example.com"), "a space"},
    {L("http://example.com "), "a space"},
    {L("http://exam ple.com"), "a space"},
    {L("ht\ttp://example.com"), "a space"},
    {L("http://exam\nple.com"), "a space"},
    {L("http://example.com/\r\nHost: x"), "a space"},
    {L("http://example.com\0.evil.example"), "a NUL"},
    {L("http://example.com/\x7f"), "a space"},
    {L("http://b\xc3\xbc"
       "cher.example"),
     "not ASCII"},
    {L("http://example\xe3\x80\x82"
       "com"),
     "not ASCII"},
    {L("http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1"), "not ASCII"}, /* fullwidth digits */
    {L("http://\xe2\x91\xa0\xe2\x91\xa1.example"), "not ASCII"},           /* circled digits */
    {L("http://example.com/\xff"), "not ASCII"},
    {L("http://example.com\\@evil.example"), "backslash"},
    {L("http:\\\\example.com"), "backslash"},
    {L("http://example.com/a\\b"), "backslash"},
    {L("http://example.com#@evil.example/"), "fragment"},
    {L("http://example.com/#x"), "fragment"},
    /* users */
    {L("http://user@example.com"), "a user"},
    {L("http://user:hunter2@example.com"), "a user"},
    {L("http://@example.com"), "a user"},
    {L("http://a@b@c"), "a user"},
    {L("http://example.com@127.0.0.1"), "a user"},
    {L("http://example.com:80@evil.example:80"), "a user"},
    {L("http://[::1]@evil.example"), "a user"},
    {L("imaps://joe@mail.example"), "a user"},
    /* IPv4 in unusual forms */
    {L("http://127.1"), "IPv4"},
    {L("http://127.0.1"), "IPv4"},
    {L("http://0x7f.1"), "IPv4"},
    {L("http://0x7f.0x0.0x0.0x1"), "IPv4"},
    {L("http://0x7f000001"), "IPv4"},
    {L("http://0X7F000001"), "IPv4"},
    {L("http://0x"), "IPv4"},
    {L("http://2130706433"), "IPv4"},
    {L("http://017700000001"), "IPv4"},
    {L("http://0177.0.0.1"), "IPv4"},
    {L("http://0"), "IPv4"},
    {L("http://127.0.0.01"), "IPv4"},
    {L("http://127.0.0.256"), "IPv4"},
    {L("http://127.0.0.1.2"), "IPv4"},
    {L("http://foo.1"), "IPv4"},
    {L("http://foo.0x1f"), "IPv4"},
    {L("http://999999999999"), "IPv4"},
    {L("http://00000127.0.0.1"), "IPv4"},
    /* IPv6 */
    {L("http://::1"), "no host"},
    {L("http://[::1"), "bracket is not closed"},
    {L("http://::1]"), "no host"},
    {L("http://[::1]x"), "follows the bracket"},
    {L("http://[::1].example.com"), "follows the bracket"},
    {L("http://[]"), "no IPv6"},
    {L("http://[127.0.0.1]"), "no IPv6"},
    {L("http://[::1%25eth0]"), "no IPv6"},
    {L("http://[fe80::1%lo]"), "no IPv6"},
    {L("http://[1:2:3:4:5:6:7:8:9]"), "no IPv6"},
    {L("http://[::ffff:127.1]"), "no IPv6"},
    {L("http://[::12345]"), "no IPv6"},
    {L("http://[v1.x]"), "no IPv6"},
    {L("http://[[::1]]"), "no IPv6"},
    /* hosts */
    {L("http://"), "no host"},
    {L("http:///x"), "no host"},
    {L("http://?x"), "no host"},
    {L("http://:80"), "no host"},
    {L("http://example.com."), "dot at the end"},
    {L("http://."), "empty part"},
    {L("http://.example.com"), "empty part"},
    {L("http://example..com"), "empty part"},
    {L("http://127.0.0.1."), "dot at the end"},
    {L("http://localhost."), "dot at the end"},
    {L("http://example%2ecom"), "letters, digits"},
    {L("http://%6cocalhost"), "letters, digits"},
    {L("http://127.0.0.1%00.example"), "letters, digits"},
    {L("http://exa_mple.com"), "letters, digits"},
    {L("http://*.example.com"), "letters, digits"},
    {L("http://-a.example"), "letters, digits"},
    {L("http://a-.example"), "letters, digits"},
    {L("http://a,b"), "letters, digits"},
    {L("http://a;b"), "letters, digits"},
    {L("http://a&b"), "letters, digits"},
    {L("http://$HOST"), "letters, digits"},
    {L("http://a123456789012345678901234567890123456789012345678901234567890123.example"),
     "letters, digits"},
    /* ports */
    {L("http://example.com:"), "from 1 to 65535"},
    {L("http://example.com:0"), "from 1 to 65535"},
    {L("http://example.com:080"), "from 1 to 65535"},
    {L("http://example.com:65536"), "from 1 to 65535"},
    {L("http://example.com:99999"), "from 1 to 65535"},
    {L("http://example.com:4294967376"), "from 1 to 65535"},
    {L("http://example.com:-1"), "no number"},
    {L("http://example.com:+80"), "no number"},
    {L("http://example.com:8x"), "no number"},
    {L("http://example.com:80:80"), "no number"},
    {L("http://[::1]:"), "from 1 to 65535"},
    {L("tls://example.com"), "must name a port"},
    {L("tcp://127.0.0.1/"), "must name a port"},
    /* paths */
    {L("http://example.com/../x"), "\"..\""},
    {L("http://example.com/v1/.."), "\"..\""},
    {L("http://example.com/v1/../../x"), "\"..\""},
    {L("http://example.com/."), "\"..\""},
    {L("http://example.com/./x"), "\"..\""},
    {L("http://example.com/%2e%2e/x"), "\"..\""},
    {L("http://example.com/%2E%2E"), "\"..\""},
    {L("http://example.com/.%2e/x"), "\"..\""},
    {L("http://example.com/v1/%2e?x"), "\"..\""},
    {L("http://example.com/v1%2f..%2fx"), "\"..\""},
    {L("http://example.com/v1%2F%2e%2e"), "\"..\""},
    {L("http://example.com/v1/..%5cx"), "\"..\""},
    {L("http://example.com/v1/..;/x"), "\"..\""},
    {L("http://example.com/v1/..?x"), "\"..\""},
    {L("http://example.com/%"), "hexadecimal"},
    {L("http://example.com/%4"), "hexadecimal"},
    {L("http://example.com/%zz"), "hexadecimal"},
    {L("http://example.com/?x=%u0041"), "hexadecimal"},
    {L("http://example.com/a%00b"), "NUL"},
    {L("imaps://example.com/INBOX"), "have a path"},
    {L("smtp://example.com?x"), "have a path"},
    {L("tls://example.com:1/x"), "have a path"},
};

static void refuses_the_rest_and_says_why(void **state) {
    (void)state;
    assert_true(sizeof refused / sizeof *refused >= 60);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        origin o;
        origin before;
        diag d = {0};
        memset(&o, 7, sizeof o);
        before = o;
        if (origin_parse(&o, refused[i].url, refused[i].len, &d) != DIAG_USAGE) {
            fail_msg("accepted: %s", refused[i].url);
        }
        if (!strstr(d.what, refused[i].says) || !d.next[0]) {
            fail_msg("%s: \"%s\" lacks \"%s\"", refused[i].url, d.what, refused[i].says);
        }
        assert_memory_equal(&o, &before, sizeof o);
        for (const char *c = d.what; *c; c++) {
            assert_true(*c >= ' ' && *c < 0x7f);
        }
    }
}

static void messages_show_no_password_and_no_query(void **state) {
    (void)state;
    static const char *const urls[] = {
        "https://joe:hunter2@example.com",
        "https://example.com:0/?key=hunter2",
        "imaps://hunter2@@mail.example",
        "https://example.com/#hunter2",
        "https://joe:hunter2#@example.com",
        "https://joe:hunter2?@example.com",
        "https://a.b/x y?u=a@hunter2",
        "ftp://joe:hunter2@example.com/x?y",
        "https://joe:hunter2@exam ple.com/?hunter2",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        origin o;
        diag d = {0};
        assert_int_equal(origin_parse(&o, urls[i], strlen(urls[i]), &d), DIAG_USAGE);
        assert_null(strstr(d.what, "hunter2"));
    }
}

static void refuses_what_is_too_long(void **state) {
    (void)state;
    keel_buf url = KEEL_BUF_INIT;
    origin o;
    diag d = {0};
    keel_buf_puts(&url, "https://example.com/");
    while (url.len < 16384) {
        keel_buf_putc(&url, 'a');
    }
    assert_int_equal(origin_parse(&o, url.data, url.len, &d), 0);
    keel_buf_putc(&url, 'a');
    assert_int_equal(origin_parse(&o, url.data, url.len, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "longer than 16384"));
    keel_buf_clear(&url);
    keel_buf_puts(&url, "https://");
    for (int i = 0; i < 63; i++) {
        keel_buf_puts(&url, "abc.");
    }
    keel_buf_puts(&url, "a"); /* 253 bytes of host */
    assert_int_equal(origin_parse(&o, url.data, url.len, &d), 0);
    keel_buf_puts(&url, "b");
    assert_int_equal(origin_parse(&o, url.data, url.len, &d), DIAG_USAGE);
    assert_non_null(strstr(d.what, "longer than 253"));
    keel_buf_free(&url);
}

static void parse(origin *o, const char *url) {
    diag d = {0};
    if (origin_parse(o, url, strlen(url), &d)) {
        fail_msg("%s: %s", url, d.what);
    }
}

static const struct cover {
    const char *allowed;
    const char *url;
    bool covers;
} covers[] = {
    {"https://a.example", "https://a.example", true},
    {"https://a.example", "https://a.example/x?y", true},
    {"https://a.example/", "https://a.example?y", true},
    {"https://a.example", "https://A.example:443/x", true},
    {"https://a.example", "http://a.example:443/x", false},
    {"https://a.example", "https://a.example:444/x", false},
    {"https://a.example", "https://b.a.example/", false},
    {"https://a.example", "https://a.example.evil.example/", false},
    {"https://a.example/v1", "https://a.example/v1", true},
    {"https://a.example/v1", "https://a.example/v1/", true},
    {"https://a.example/v1", "https://a.example/v1/x", true},
    {"https://a.example/v1", "https://a.example/v1?q", true},
    {"https://a.example/v1", "https://a.example/v10", false},
    {"https://a.example/v1", "https://a.example/v1;x", false},
    {"https://a.example/v1", "https://a.example/v1%2fx", false},
    {"https://a.example/v1", "https://a.example/%761", false},
    {"https://a.example/v1", "https://a.example/V1", false},
    {"https://a.example/v1", "https://a.example/v", false},
    {"https://a.example/v1", "https://a.example", false},
    {"https://a.example/v1/", "https://a.example/v1/x", true},
    {"https://a.example/v1/", "https://a.example/v1", false},
    {"https://a.example/v1?k=1", "https://a.example/v1?k=1", true},
    {"https://a.example/v1?k=1", "https://a.example/v1?k=1/x", false},
    {"http://[::1]", "http://[0:0::1]/", true},
    {"http://localhost", "http://127.0.0.1", false},
    {"imaps://m.example", "imaps://m.example:993", true},
    {"imaps://m.example", "tls://m.example:993", false},
};

static void covers_what_lies_below(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof covers / sizeof *covers; i++) {
        origin a;
        origin o;
        parse(&a, covers[i].allowed);
        parse(&o, covers[i].url);
        if (origin_covers(&a, &o) != covers[i].covers) {
            fail_msg("%s covers %s: not %d", covers[i].allowed, covers[i].url, covers[i].covers);
        }
    }
}

static const struct cover patterns[] = {
    {"https://*.a.example", "https://b.a.example/", true},
    {"https://*.a.example", "https://c.b.a.example/x", true},
    {"https://*.A.example", "https://b.a.example/", true},
    {"https://*.a.example", "https://a.example/", false},
    {"https://*.a.example", "https://ba.example/", false},
    {"https://*.a.example", "https://evil-a.example/", false},
    {"https://*.a.example", "https://b.a.example.evil.example/", false},
    {"https://*.a.example", "http://b.a.example/", false},
    {"https://*.a.example", "https://b.a.example:8443/", false},
    {"https://*.a.example:8443", "https://b.a.example:8443/", true},
    {"https://*.a.example/v1", "https://b.a.example/v1/x", true},
    {"https://*.a.example/v1", "https://b.a.example/v2", false},
    {"https://a.example", "https://a.example/x", true},
    {"https://a.example", "https://b.a.example/x", false},
    {"imaps://*.m.example", "imaps://x.m.example", true},
    /* what does not pass the check covers nothing */
    {"*", "https://a.example/", false},
    {"https://*", "https://a.example/", false},
    {"https://*.", "https://a.example/", false},
    {"https://a.*.example", "https://a.b.example/", false},
    {"https://*.*.example", "https://a.b.example/", false},
    {"https://*a.example", "https://ba.example/", false},
    {"https://*.127.0.0.1", "https://127.0.0.1/", false},
    {"https://*.localhost", "https://localhost/", false},
    {"https://*.1", "https://127.0.0.1/", false},
    {"https://*.[::1]", "https://[::1]/", false},
    {"https://a.example?x", "https://a.example/?x", false},
    {"https://a.example/..", "https://a.example/", false},
};

static void patterns_cover(void **state) {
    (void)state;
    bool good = true;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        origin o;
        diag d = {0};
        good = good && strcmp(patterns[i].allowed, "*") != 0;
        parse(&o, patterns[i].url);
        if (origin_pattern_covers(patterns[i].allowed, &o) != patterns[i].covers) {
            fail_msg("%s covers %s: not %d", patterns[i].allowed, patterns[i].url,
                     patterns[i].covers);
        }
        int rc = origin_pattern_check(patterns[i].allowed, &d);
        if (rc != (good ? 0 : DIAG_USAGE) || (rc && (!d.what[0] || !d.next[0]))) {
            fail_msg("%s: %d %s", patterns[i].allowed, rc, d.what);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_writes_one_form),
        cmocka_unit_test(refuses_the_rest_and_says_why),
        cmocka_unit_test(messages_show_no_password_and_no_query),
        cmocka_unit_test(refuses_what_is_too_long),
        cmocka_unit_test(covers_what_lies_below),
        cmocka_unit_test(patterns_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
