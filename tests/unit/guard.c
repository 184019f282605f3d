/* Which addresses are public, private or never to be spoken to. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "guard.h"

static const struct {
    const char *address;
    guard_kind kind;
    const char *says;
} cases[] = {
    {"0.0.0.0", GUARD_FORBIDDEN, "this network"},
    {"0.255.255.255", GUARD_FORBIDDEN, "this network"},
    {"1.0.0.0", GUARD_PUBLIC, "public"},
    {"1.1.1.1", GUARD_PUBLIC, "public"},
    {"8.8.8.8", GUARD_PUBLIC, "public"},
    {"9.255.255.255", GUARD_PUBLIC, "public"},
    {"10.0.0.0", GUARD_PRIVATE, "private"},
    {"10.255.255.255", GUARD_PRIVATE, "private"},
    {"11.0.0.0", GUARD_PUBLIC, "public"},
    {"100.63.255.255", GUARD_PUBLIC, "public"},
    {"100.64.0.0", GUARD_PRIVATE, "provider"},
    {"100.100.100.200", GUARD_FORBIDDEN, "metadata"},
    {"100.127.255.255", GUARD_PRIVATE, "provider"},
    {"100.128.0.0", GUARD_PUBLIC, "public"},
    {"126.255.255.255", GUARD_PUBLIC, "public"},
    {"127.0.0.1", GUARD_PRIVATE, "127.0.0.1 is a private address"},
    {"127.255.255.255", GUARD_PRIVATE, "private"},
    {"128.0.0.0", GUARD_PUBLIC, "public"},
    {"169.253.255.255", GUARD_PUBLIC, "public"},
    {"169.254.0.0", GUARD_FORBIDDEN, "link-local"},
    {"169.254.169.254", GUARD_FORBIDDEN, "metadata"},
    {"169.254.170.2", GUARD_FORBIDDEN, "metadata"},
    {"169.255.0.0", GUARD_PUBLIC, "public"},
    {"172.15.255.255", GUARD_PUBLIC, "public"},
    {"172.16.0.0", GUARD_PRIVATE, "private"},
    {"172.31.255.255", GUARD_PRIVATE, "private"},
    {"172.32.0.0", GUARD_PUBLIC, "public"},
    {"192.0.0.1", GUARD_FORBIDDEN, "reserved"},
    {"192.0.0.9", GUARD_PUBLIC, "public"},
    {"192.0.0.192", GUARD_FORBIDDEN, "reserved"}, /* Oracle's metadata service */
    {"192.0.1.0", GUARD_PUBLIC, "public"},
    {"192.0.2.1", GUARD_FORBIDDEN, "documentation"},
    {"192.88.99.1", GUARD_FORBIDDEN, "reserved"},
    {"192.168.0.0", GUARD_PRIVATE, "private"},
    {"192.168.255.255", GUARD_PRIVATE, "private"},
    {"192.169.0.0", GUARD_PUBLIC, "public"},
    {"198.17.255.255", GUARD_PUBLIC, "public"},
    {"198.18.0.0", GUARD_FORBIDDEN, "benchmarks"},
    {"198.19.255.255", GUARD_FORBIDDEN, "benchmarks"},
    {"198.20.0.0", GUARD_PUBLIC, "public"},
    {"198.51.100.7", GUARD_FORBIDDEN, "documentation"},
    {"203.0.113.7", GUARD_FORBIDDEN, "documentation"},
    {"223.255.255.255", GUARD_PUBLIC, "public"},
    {"224.0.0.1", GUARD_FORBIDDEN, "multicast"},
    {"239.255.255.250", GUARD_FORBIDDEN, "multicast"},
    {"240.0.0.0", GUARD_FORBIDDEN, "reserved"},
    {"255.255.255.254", GUARD_FORBIDDEN, "reserved"},
    {"255.255.255.255", GUARD_FORBIDDEN, "broadcast"},
    /* IPv6 */
    {"::", GUARD_FORBIDDEN, "unspecified"},
    {"::1", GUARD_PRIVATE, "::1 is a private address"},
    {"::2", GUARD_FORBIDDEN, "this network"}, /* compatible 0.0.0.2 */
    {"::127.0.0.1", GUARD_PRIVATE, "private"},
    {"::169.254.169.254", GUARD_FORBIDDEN, "link-local"},
    {"::8.8.8.8", GUARD_PUBLIC, "public"},
    {"::ffff:127.0.0.1", GUARD_PRIVATE, "private"},
    {"::ffff:10.1.2.3", GUARD_PRIVATE, "private"},
    {"::ffff:169.254.169.254", GUARD_FORBIDDEN, "link-local"},
    {"::ffff:0.0.0.0", GUARD_FORBIDDEN, "this network"},
    {"::ffff:8.8.8.8", GUARD_PUBLIC, "public"},
    {"::ffff:0:169.254.169.254", GUARD_FORBIDDEN, "link-local"},
    {"::ffff:0:192.168.1.1", GUARD_PRIVATE, "private"},
    {"64:ff9b::169.254.169.254", GUARD_FORBIDDEN, "link-local"},
    {"64:ff9b::192.168.0.1", GUARD_PRIVATE, "private"},
    {"64:ff9b::8.8.8.8", GUARD_PUBLIC, "public"},
    {"64:ff9b:1::a00:1", GUARD_FORBIDDEN, "reserved"},
    {"2002:7f00:1::", GUARD_PRIVATE, "private"},
    {"2002:a9fe:a9fe::1", GUARD_FORBIDDEN, "link-local"},
    {"2002:0808:0808::1", GUARD_PUBLIC, "public"},
    {"2001:0:4136:e378:8000:63bf:80ff:fffe", GUARD_PRIVATE, "private"},      /* 127.0.0.1 */
    {"2001:0:4136:e378:8000:63bf:5601:5601", GUARD_FORBIDDEN, "link-local"}, /* 169.254.169.254 */
    {"2001:0:4136:e378:8000:63bf:f7f7:f7f7", GUARD_PUBLIC, "public"},        /* 8.8.8.8 */
    {"2001:2::1", GUARD_FORBIDDEN, "reserved"},
    {"2001:10::1", GUARD_FORBIDDEN, "reserved"},
    {"2001:200::1", GUARD_PUBLIC, "public"},
    {"2001:db8::1", GUARD_FORBIDDEN, "documentation"},
    {"3fff:0fff::1", GUARD_FORBIDDEN, "documentation"},
    {"3fff:1000::1", GUARD_PUBLIC, "public"},
    {"2606:4700:4700::1111", GUARD_PUBLIC, "public"},
    {"2a00:1450:4001:800::200e", GUARD_PUBLIC, "public"},
    {"100::1", GUARD_FORBIDDEN, "reserved"},
    {"4000::1", GUARD_FORBIDDEN, "reserved"},
    {"5f00::1", GUARD_FORBIDDEN, "reserved"},
    {"fbff::1", GUARD_FORBIDDEN, "reserved"},
    {"fc00::1", GUARD_PRIVATE, "private"},
    {"fd12:3456::1", GUARD_PRIVATE, "private"},
    {"fd00:ec2::254", GUARD_FORBIDDEN, "metadata"},
    {"fd00:ec2::253", GUARD_PRIVATE, "private"},
    {"fd20:ce::254", GUARD_FORBIDDEN, "metadata"},
    {"fe80::1", GUARD_FORBIDDEN, "link-local"},
    {"febf::1", GUARD_FORBIDDEN, "link-local"},
    {"fec0::1", GUARD_FORBIDDEN, "reserved"},
    {"ff02::1", GUARD_FORBIDDEN, "multicast"},
    {"ff0e::1", GUARD_FORBIDDEN, "multicast"},
};

static void judges_addresses(void **state) {
    (void)state;
    assert_true(sizeof cases / sizeof *cases >= 50);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage s;
        char text[128];
        memset(&s, 0, sizeof s);
        struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;
        if (strchr(cases[i].address, ':')) {
            s.ss_family = AF_INET6;
            assert_int_equal(inet_pton(AF_INET6, cases[i].address, &v6->sin6_addr), 1);
        } else {
            s.ss_family = AF_INET;
            assert_int_equal(inet_pton(AF_INET, cases[i].address, &v4->sin_addr), 1);
        }
        guard_describe((struct sockaddr *)&s, text, sizeof text);
        guard_kind kind = guard_classify((struct sockaddr *)&s);
        if (kind != cases[i].kind || !strstr(text, cases[i].says)) {
            fail_msg("%s: %d, \"%s\"", cases[i].address, (int)kind, text);
        }
        assert_int_equal(strncmp(text, cases[i].address, 1), 0);
    }
}

static void forbids_other_families(void **state) {
    (void)state;
    static const sa_family_t families[] = {AF_UNSPEC, AF_UNIX, AF_NETLINK, AF_PACKET, 0xffff};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct sockaddr_storage s = {.ss_family = families[i]};
        char text[64];
        assert_int_equal(guard_classify((struct sockaddr *)&s), GUARD_FORBIDDEN);
        guard_describe((struct sockaddr *)&s, text, sizeof text);
        assert_string_equal(text, "This is no address of the internet");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_addresses),
        cmocka_unit_test(forbids_other_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
