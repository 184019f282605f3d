/* mailbox.so in a real executor, behind all its walls: one mail for each character set, in its bytes,
 * with the same text in the header (RFC 2047) and in the body. What the machine's iconv makes of the
 * sentence must come back as the sentence. */
#include <errno.h>
#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "executor_world.h"

#define LEAST 40

static const char libraries[] =
    "[\"libgmime-3.0.so.0\",\"libgobject-2.0.so.0\",\"libglib-2.0.so.0\"]";
static const char manifest[] = "\"abi\":[0,1],\"id\":\"com.keel.mailbox\",\"version\":\"0.1.0\"";
static const char config[] = "{\"drained\":false,\"from\":\"Ada "
                             "<ada@studio.example>\",\"outbox\":\"data\",\"source\":\"data\"}";

/* "The invoice is attached", as far as the set has the letters. */
#define LATIN    "Die Rechnung für März liegt bei: 7 Stück, «geprüft»."
#define WEST     "Die Rechnung für März liegt bei: 7 Stück, geprüft."
#define CENTRAL  "Faktura za březen je přiložena, částka byla ověřena."
#define BALTIC   "Sąskaita už kovą pridėta, suma patikrinta."
#define TURKISH  "Mart ayının faturası ektedir, tutar doğrulanmıştır."
#define CYRILLIC "Счёт за март приложен, сумма проверена."
#define UKRAINE  "Рахунок за березень додається, її перевірено."
#define GREEK    "Το τιμολόγιο του Μαρτίου επισυνάπτεται."
#define HEBREW   "החשבונית לחודש מרץ מצורפת"
#define ARABIC   "فاتورة مارس مرفقة"
#define THAI     "แนบใบแจ้งหนี้เดือนมีนาคมแล้ว"
#define JAPAN    "三月の請求書を添付します。カタカナ"
#define CHINA    "三月的发票已附上，请查收。"
#define TAIWAN   "三月的發票已附上，請查收。"
#define KOREA    "삼월 청구서를 첨부합니다."
#define VIETNAM  "Hóa đơn tháng ba được đính kèm."
#define ALL      "März, март, Μάρτιος, מרץ, 三月, 삼월, มีนาคม"

static const struct {
    const char *set, *text;
} sets[] = {
    {"US-ASCII", "The invoice for March is attached."},
    {"UTF-8", ALL},
    {"UTF-7", ALL},
    {"ISO-8859-1", LATIN},
    {"ISO-8859-2", CENTRAL},
    {"ISO-8859-3", WEST},
    {"ISO-8859-4", BALTIC},
    {"ISO-8859-5", CYRILLIC},
    {"ISO-8859-6", ARABIC},
    {"ISO-8859-7", GREEK},
    {"ISO-8859-8", HEBREW},
    {"ISO-8859-9", TURKISH},
    {"ISO-8859-10", WEST},
    {"ISO-8859-11", THAI},
    {"ISO-8859-13", BALTIC},
    {"ISO-8859-14", WEST},
    {"ISO-8859-15", "Der Betrag von 700 € liegt bei."},
    {"ISO-8859-16", WEST},
    {"windows-874", THAI},
    {"windows-1250", CENTRAL},
    {"windows-1251", CYRILLIC},
    {"windows-1252", "Der Betrag von 700 € – „geprüft“ – liegt bei."},
    {"windows-1253", GREEK},
    {"windows-1254", TURKISH},
    {"windows-1255", HEBREW},
    {"windows-1256", ARABIC},
    {"windows-1257", BALTIC},
    {"windows-1258", WEST},
    {"KOI8-R", CYRILLIC},
    {"KOI8-U", UKRAINE},
    {"IBM850", WEST},
    {"IBM852", CENTRAL},
    {"IBM855", CYRILLIC},
    {"IBM866", CYRILLIC},
    {"macintosh", LATIN},
    {"TIS-620", THAI},
    {"VISCII", VIETNAM},
    {"ISO-2022-JP", JAPAN},
    {"EUC-JP", JAPAN},
    {"Shift_JIS", JAPAN},
    {"GB2312", CHINA},
    {"GBK", CHINA},
    {"GB18030", ALL},
    {"Big5", TAIWAN},
    {"EUC-TW", TAIWAN},
    {"Big5-HKSCS", TAIWAN},
    {"EUC-KR", KOREA},
    {"ISO-2022-KR", KOREA},
    {"JOHAB", KOREA},
    {"UHC", KOREA},
};

typedef struct stage {
    char *plugins, *folder;
    child *c;
} stage;

/* ---- mails ---- */

/* false: this iconv does not have the set, or the set not all of the text. */
static bool encode(const char *set, const char *text, char *out, size_t size, size_t *len) {
    iconv_t to = iconv_open(set, "UTF-8");
    if (to == (iconv_t)-1) {
        return false;
    }
    char *in = (char *)(uintptr_t)text, *at = out;
    size_t left = strlen(text), room = size;
    size_t lost = iconv(to, &in, &left, &at, &room);
    bool good = lost == 0 && left == 0 && iconv(to, NULL, NULL, &at, &room) != (size_t)-1;
    iconv_close(to);
    *len = size - room;
    return good;
}

static void base64(FILE *f, const char *data, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        unsigned n = 0;
        for (size_t k = 0; k < 3; k++) {
            n = n << 8 | (i + k < len ? (unsigned char)data[i + k] : 0);
        }
        fprintf(f, "%c%c%c%c", digits[n >> 18], digits[n >> 12 & 63],
                i + 1 < len ? digits[n >> 6 & 63] : '=', i + 2 < len ? digits[n & 63] : '=');
    }
}

static void put_mail(const stage *s, size_t i, const char *bytes, size_t len) {
    char path[300];
    snprintf(path, sizeof path, "%s/new/%03zu", s->folder, i);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "From: bo@client.example\nSubject: =?%s?B?", sets[i].set);
    base64(f, bytes, len);
    fprintf(f,
            "?=\nMIME-Version: 1.0\nContent-Type: text/plain; charset=%s\n"
            "Content-Transfer-Encoding: base64\n\n",
            sets[i].set);
    base64(f, bytes, len);
    fputs("\n", f);
    fclose(f);
}

/* ---- the executor ---- */

static int begin(void **state) {
    char command[900], path[300];
    stage *s = malloc(sizeof *s);
    s->plugins = world_folder();
    s->folder = world_folder();
    static const char *const parts[] = {"new", "cur", "tmp"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    snprintf(command, sizeof command, "cp '%s' '%s/abi_mailbox.so'", getenv("KEEL_MAILBOX"),
             s->plugins);
    assert_int_equal(system(command), 0);
    setenv("KEEL_ABI", s->plugins, 1);
    *state = s;
    return 0;
}

static int end(void **state) {
    stage *s = *state;
    world_remove(s->folder);
    world_remove(s->plugins);
    free(s);
    return 0;
}

static keel_json read_all(stage *s) {
    s->c = child_ready(&(child_spec){.plugin = "mailbox",
                                     .manifest = manifest,
                                     .config = config,
                                     .libraries = libraries,
                                     .folder = s->folder});
    child_send(s->c, X_VERB, 9,
               "{\"attempt\":1,\"body\":{\"limit\":100},\"deadline_us\":20000000,\"flags\":[],"
               "\"key\":\"\",\"mode\":\"\",\"outcome\":null,\"resource\":\"message\","
               "\"verb\":\"read\"}");
    return keel_json_get(keel_json_get(child_expect(s->c, X_REPLY), "result"), "items");
}

static bool is_text(keel_json v, const char *text) {
    keel_buf got = KEEL_BUF_INIT;
    bool same = keel_json_string(v, &got) && got.len == strlen(text) &&
                memcmp(got.data ? got.data : "", text, got.len) == 0;
    keel_buf_free(&got);
    return same;
}

static void every_set_is_read(void **state) {
    stage *s = *state;
    size_t sent[sizeof sets / sizeof *sets], count = 0, i = 0;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char bytes[1000];
        size_t len;
        if (encode(sets[k].set, sets[k].text, bytes, sizeof bytes, &len)) {
            put_mail(s, k, bytes, len);
            sent[count++] = k;
        } else {
            printf("# %s: not of this machine's iconv\n", sets[k].set);
        }
    }
    printf("# %zu character sets\n", count);
    assert_true(count >= LEAST);
    for (keel_json_iter it = keel_json_each(read_all(s)); keel_json_next(&it); i++) {
        keel_json subject = keel_json_get(it.value, "subject");
        keel_json text = keel_json_get(it.value, "text");
        assert_true(i < count);
        const char *set = sets[sent[i]].set, *wanted = sets[sent[i]].text;
        if (!is_text(subject, wanted) || !is_text(text, wanted)) {
            fail_msg("%s: wanted %s; the subject is %.*s, the text %.*s", set, wanted,
                     (int)subject.len, subject.data, (int)text.len, text.data);
        }
    }
    assert_int_equal(i, count);
    child_end(s->c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_set_is_read, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
