#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static const struct {
    int32_t first, last;
    script script;
} blocks[] = {{0x41, 0x5a, SCRIPT_LATIN},           {0x61, 0x7a, SCRIPT_LATIN},
              {0xaa, 0xaa, SCRIPT_LATIN},           {0xba, 0xba, SCRIPT_LATIN},
              {0xc0, 0xd6, SCRIPT_LATIN},           {0xd8, 0xf6, SCRIPT_LATIN},
              {0xf8, 0x2af, SCRIPT_LATIN},          {0x2b0, 0x36f, SCRIPT_COMMON},
              {0x370, 0x3ff, SCRIPT_GREEK},         {0x400, 0x52f, SCRIPT_CYRILLIC},
              {0x530, 0x58f, SCRIPT_ARMENIAN},      {0x590, 0x5ff, SCRIPT_HEBREW},
              {0x600, 0x6ff, SCRIPT_ARABIC},        {0x700, 0x10ff, SCRIPT_OTHER},
              {0x1100, 0x11ff, SCRIPT_EAST_ASIAN},  {0x1200, 0x139f, SCRIPT_OTHER},
              {0x13a0, 0x13ff, SCRIPT_CHEROKEE},    {0x1400, 0x1c7f, SCRIPT_OTHER},
              {0x1c80, 0x1c8f, SCRIPT_CYRILLIC},    {0x1c90, 0x1cff, SCRIPT_OTHER},
              {0x1d00, 0x1d25, SCRIPT_LATIN},       {0x1d26, 0x1d2a, SCRIPT_GREEK},
              {0x1d2b, 0x1d2b, SCRIPT_CYRILLIC},    {0x1d2c, 0x1dbf, SCRIPT_LATIN},
              {0x1e00, 0x1eff, SCRIPT_LATIN},       {0x1f00, 0x1fff, SCRIPT_GREEK},
              {0x2000, 0x20ff, SCRIPT_COMMON},      {0x2100, 0x218b, SCRIPT_STYLED},
              {0x2190, 0x245f, SCRIPT_COMMON},      {0x2460, 0x24ff, SCRIPT_STYLED},
              {0x2500, 0x2bff, SCRIPT_COMMON},      {0x2c60, 0x2c7f, SCRIPT_LATIN},
              {0x2de0, 0x2dff, SCRIPT_CYRILLIC},    {0x2e80, 0x2fff, SCRIPT_EAST_ASIAN},
              {0x3000, 0x3004, SCRIPT_COMMON},      {0x3005, 0x3007, SCRIPT_EAST_ASIAN},
              {0x3008, 0x3020, SCRIPT_COMMON},      {0x3021, 0x9fff, SCRIPT_EAST_ASIAN},
              {0xa640, 0xa69f, SCRIPT_CYRILLIC},    {0xa720, 0xa7ff, SCRIPT_LATIN},
              {0xab30, 0xab6f, SCRIPT_LATIN},       {0xab70, 0xabbf, SCRIPT_CHEROKEE},
              {0xac00, 0xd7ff, SCRIPT_EAST_ASIAN},  {0xf900, 0xfaff, SCRIPT_EAST_ASIAN},
              {0xfb00, 0xfb06, SCRIPT_STYLED},      {0xfb1d, 0xfb4f, SCRIPT_HEBREW},
              {0xfb50, 0xfdff, SCRIPT_ARABIC},      {0xfe70, 0xfefe, SCRIPT_ARABIC},
              {0xff01, 0xff5e, SCRIPT_STYLED},      {0xff66, 0xffdc, SCRIPT_EAST_ASIAN},
              {0x1d400, 0x1d7ff, SCRIPT_STYLED},    {0x1f100, 0x1f1ff, SCRIPT_STYLED},
              {0x20000, 0x3ffff, SCRIPT_EAST_ASIAN}};

script script_of(int32_t cp) {
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks && cp >= blocks[i].first; i++) {
        if (cp <= blocks[i].last) {
            return blocks[i].script;
        }
    }
    return cp < 0xa000 || (cp >= 0xfe00 && cp <= 0xffff) ? SCRIPT_COMMON : SCRIPT_OTHER;
}

const char *script_name(script s) {
    static const char *const names[SCRIPT_COUNT] = {"common",     "Latin",  "Greek",  "Cyrillic",
                                                    "Armenian",   "Hebrew", "Arabic", "Cherokee",
                                                    "East Asian", "styled", "other"};
    return names[s];
}

/* Sorted. What stands behind looks like it, as small letters; "" for what is only a mark. */
typedef struct likeness {
    int32_t cp;
    const char *like;
} likeness;

static const likeness likes[] = {
    {0xc6, "ae"},  {0xd0, "d"},   {0xd8, "o"},   {0xdf, "b"},   {0xe6, "ae"},  {0xf0, "d"},
    {0xf8, "o"},   {0x110, "d"},  {0x111, "d"},  {0x126, "h"},  {0x127, "h"},  {0x131, "i"},
    {0x138, "k"},  {0x141, "l"},  {0x142, "l"},  {0x14a, "n"},  {0x14b, "n"},  {0x152, "oe"},
    {0x153, "oe"}, {0x166, "t"},  {0x167, "t"},  {0x17f, "f"},  {0x180, "b"},  {0x184, "b"},
    {0x185, "b"},  {0x18d, "g"},  {0x192, "f"},  {0x199, "k"},  {0x19a, "l"},  {0x1a0, "o"},
    {0x1a1, "o"},  {0x1a5, "p"},  {0x1ab, "t"},  {0x1af, "u"},  {0x1b0, "u"},  {0x1b4, "y"},
    {0x1b6, "z"},  {0x1c0, "l"},  {0x1c3, "!"},  {0x223, "8"},  {0x251, "a"},  {0x253, "b"},
    {0x256, "d"},  {0x257, "d"},  {0x261, "g"},  {0x266, "h"},  {0x268, "i"},  {0x269, "i"},
    {0x26a, "i"},  {0x26b, "l"},  {0x26d, "l"},  {0x26f, "w"},  {0x271, "m"},  {0x273, "n"},
    {0x274, "n"},  {0x280, "r"},  {0x282, "s"},  {0x288, "t"},  {0x28b, "u"},  {0x28f, "y"},
    {0x290, "z"},  {0x299, "b"},  {0x29c, "h"},  {0x29f, "l"},  {0x2cb, "'"},  {0x2d0, ":"},
    {0x391, "a"},  {0x392, "b"},  {0x395, "e"},  {0x396, "z"},  {0x397, "h"},  {0x399, "l"},
    {0x39a, "k"},  {0x39c, "m"},  {0x39d, "n"},  {0x39f, "o"},  {0x3a1, "p"},  {0x3a4, "t"},
    {0x3a5, "y"},  {0x3a7, "x"},  {0x3ac, "a"},  {0x3ad, "e"},  {0x3ae, "n"},  {0x3af, "i"},
    {0x3b1, "a"},  {0x3b2, "b"},  {0x3b3, "y"},  {0x3b5, "e"},  {0x3b7, "n"},  {0x3b9, "i"},
    {0x3ba, "k"},  {0x3bc, "u"},  {0x3bd, "v"},  {0x3bf, "o"},  {0x3c1, "p"},  {0x3c2, "c"},
    {0x3c3, "o"},  {0x3c4, "t"},  {0x3c5, "u"},  {0x3c7, "x"},  {0x3c9, "w"},  {0x3ca, "i"},
    {0x3cb, "u"},  {0x3cc, "o"},  {0x3cd, "u"},  {0x3ce, "w"},  {0x3f1, "p"},  {0x3f2, "c"},
    {0x3f3, "j"},  {0x3f9, "c"},  {0x401, "e"},  {0x405, "s"},  {0x406, "l"},  {0x407, "l"},
    {0x408, "j"},  {0x40e, "y"},  {0x410, "a"},  {0x412, "b"},  {0x415, "e"},  {0x417, "3"},
    {0x41a, "k"},  {0x41c, "m"},  {0x41d, "h"},  {0x41e, "o"},  {0x420, "p"},  {0x421, "c"},
    {0x422, "t"},  {0x423, "y"},  {0x425, "x"},  {0x42c, "b"},  {0x430, "a"},  {0x431, "6"},
    {0x432, "b"},  {0x433, "r"},  {0x435, "e"},  {0x437, "3"},  {0x43a, "k"},  {0x43c, "m"},
    {0x43d, "h"},  {0x43e, "o"},  {0x43f, "n"},  {0x440, "p"},  {0x441, "c"},  {0x442, "t"},
    {0x443, "y"},  {0x445, "x"},  {0x448, "w"},  {0x44a, "b"},  {0x44c, "b"},  {0x450, "e"},
    {0x451, "e"},  {0x453, "r"},  {0x455, "s"},  {0x456, "i"},  {0x457, "i"},  {0x458, "j"},
    {0x45b, "h"},  {0x45c, "k"},  {0x45e, "y"},  {0x461, "w"},  {0x475, "v"},  {0x491, "r"},
    {0x493, "f"},  {0x49b, "k"},  {0x4ab, "c"},  {0x4ad, "t"},  {0x4ae, "y"},  {0x4af, "y"},
    {0x4b3, "x"},  {0x4bb, "h"},  {0x4bd, "e"},  {0x4bf, "e"},  {0x4c0, "l"},  {0x4cf, "l"},
    {0x4d1, "a"},  {0x4d3, "a"},  {0x4d7, "e"},  {0x4e7, "o"},  {0x4e9, "o"},  {0x501, "d"},
    {0x50d, "g"},  {0x51a, "q"},  {0x51b, "q"},  {0x51c, "w"},  {0x51d, "w"},  {0x53c, "l"},
    {0x54d, "u"},  {0x54f, "s"},  {0x555, "o"},  {0x561, "w"},  {0x563, "q"},  {0x566, "q"},
    {0x56c, "l"},  {0x570, "h"},  {0x575, "j"},  {0x578, "n"},  {0x57c, "n"},  {0x57d, "u"},
    {0x581, "g"},  {0x582, "i"},  {0x584, "f"},  {0x585, "o"},  {0x589, ":"},  {0x5c0, "l"},
    {0x5d5, "l"},  {0x5d8, "v"},  {0x5df, "l"},  {0x5e1, "o"},  {0x627, "l"},  {0x647, "o"},
    {0x660, "."},  {0x661, "l"},  {0x665, "o"},  {0x966, "o"},  {0xb66, "o"},  {0xe50, "o"},
    {0x10e7, "y"}, {0x13a0, "d"}, {0x13a1, "r"}, {0x13a2, "t"}, {0x13a5, "i"}, {0x13aa, "a"},
    {0x13ab, "j"}, {0x13ac, "e"}, {0x13b3, "w"}, {0x13b7, "m"}, {0x13bb, "h"}, {0x13be, "o"},
    {0x13c0, "g"}, {0x13c2, "h"}, {0x13c3, "z"}, {0x13ce, "4"}, {0x13cf, "b"}, {0x13d2, "r"},
    {0x13d4, "w"}, {0x13d5, "s"}, {0x13d9, "v"}, {0x13da, "s"}, {0x13de, "l"}, {0x13df, "c"},
    {0x13e2, "p"}, {0x13e6, "k"}, {0x13e7, "d"}, {0x13f3, "g"}, {0x13f4, "b"}, {0x1d04, "c"},
    {0x1d0b, "k"}, {0x1d0d, "m"}, {0x1d0f, "o"}, {0x1d11, "o"}, {0x1d1b, "t"}, {0x1d1c, "u"},
    {0x1d20, "v"}, {0x1d21, "w"}, {0x1d22, "z"}, {0x1d26, "r"}, {0x2010, "-"}, {0x2011, "-"},
    {0x2012, "-"}, {0x2013, "-"}, {0x2024, "."}, {0x2027, "."}, {0x2044, "/"}, {0x2212, "-"},
    {0x2215, "/"}, {0x2223, "l"}, {0x2236, ":"}, {0x29f8, "/"}, {0x3002, "."}, {0x30ce, "/"},
    {0xa731, "s"}, {0xa78c, "'"}, {0xfe52, "."}, {0xfe55, ":"}, {0xfe63, "-"}, {0xfe6b, "@"},
    {0xff61, "."},
};

static int by_cp(const void *key, const void *entry) {
    int32_t a = *(const int32_t *)key, b = ((const likeness *)entry)->cp;
    return (a > b) - (a < b);
}

/* Letters with accents, by their place: Latin-1 and Latin Extended-A, each as its bare letter; '.': none. */
static const char accented[] = "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
                               "aaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii...jjkk.llllll."
                               "...nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz.";

/* The styled alphabets: A to Z, then a to z, again and again. */
static int styled(int32_t cp) {
    if (cp >= 0xff01 && cp <= 0xff5e) {
        cp -= 0xfee0;
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    }
    if (cp >= 0x1d400 && cp <= 0x1d6a3) {
        return 'a' + (cp - 0x1d400) % 26;
    }
    if (cp >= 0x1d7ce && cp <= 0x1d7ff) {
        return '0' + (cp - 0x1d7ce) % 10;
    }
    if (cp >= 0x24b6 && cp <= 0x24e9) {
        return 'a' + (cp - 0x24b6) % 26;
    }
    if (cp >= 0x1f110 && cp <= 0x1f189) {
        return (cp - 0x1f110) % 32 < 26 ? 'a' + (cp - 0x1f110) % 32 : 0;
    }
    static const char roman[] = "i....v....x.lcdm";
    if (cp >= 0x2160 && cp <= 0x217f && roman[(cp - 0x2160) % 16] != '.') {
        return roman[(cp - 0x2160) % 16];
    }
    static const char symbols[] = "c.......ghhhh.iill.n...pqrrr......z...z.k.bc.eef.mo.";
    if (cp >= 0x2102 && cp < 0x2102 + (int32_t)sizeof symbols - 1) {
        return symbols[cp - 0x2102] == '.' ? 0 : symbols[cp - 0x2102];
    }
    return 0;
}

static void one(keel_buf *out, int32_t cp, const char *text, size_t used) {
    int plain = cp >= 'A' && cp <= 'Z'   ? (cp == 'I' ? 'l' : cp + 32)
                : cp == '0'              ? 'o'
                : cp == '1' || cp == '|' ? 'l'
                : cp >= 0 && cp < 0x80   ? cp
                                         : styled(cp);
    size_t n = sizeof likes / sizeof *likes;
    const likeness *hit = plain || cp < 0x80 ? NULL : bsearch(&cp, likes, n, sizeof *likes, by_cp);
    bool mark = cp >= 0x300 && cp <= 0x36f;
    if (plain) {
        keel_buf_putc(out, (char)(plain == '0' ? 'o' : plain == '1' ? 'l' : plain));
    } else if (hit) {
        keel_buf_puts(out, hit->like);
    } else if (cp >= 0xc0 && cp < 0xc0 + (int32_t)sizeof accented - 1 &&
               accented[cp - 0xc0] != '.') {
        keel_buf_putc(out, accented[cp - 0xc0]);
    } else if (!mark && !text_is_hidden(cp)) {
        keel_buf_append(out, text, used);
    }
}

/* Two letters that stand for one, where they are narrow: rn, vv. */
static void join(keel_buf *b, size_t from) {
    size_t to = from;
    for (size_t at = from; at < b->len; at++) {
        bool rn = at + 1 < b->len && b->data[at] == 'r' && b->data[at + 1] == 'n';
        bool vv = at + 1 < b->len && b->data[at] == 'v' && b->data[at + 1] == 'v';
        b->data[to++] = rn ? 'm' : vv ? 'w' : b->data[at];
        at += rn || vv;
    }
    b->len = to;
    if (b->data) {
        b->data[to] = 0;
    }
}

void script_skeleton(keel_buf *out, const char *text, size_t len) {
    size_t from = out->len;
    keel_buf_append(out, "", 0);
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(text + at, len - at, &used);
        one(out, cp, text + at, used);
    }
    join(out, from);
}
