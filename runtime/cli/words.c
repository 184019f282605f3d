#include "words.h"

#include <string.h>

#include "digest.h"

/* Everyday nouns that sound and look different from each other. The order is part of what people
 * compare: never change it. */
const char *const words_list[256] = {
    "acorn",   "actor",   "amber",   "anchor",   "apple",   "apron",    "arch",    "arrow",
    "atlas",   "attic",   "aunt",    "autumn",   "badge",   "bagel",    "bakery",  "ballet",
    "bamboo",  "banjo",   "barley",  "barrel",   "basil",   "basket",   "beacon",  "beaver",
    "beetle",  "bell",    "bench",   "berry",    "bicycle", "birch",    "bishop",  "blanket",
    "boat",    "bonfire", "book",    "bottle",   "brass",   "bread",    "brick",   "bridge",
    "broom",   "bubble",  "bucket",  "butter",   "cabin",   "cactus",   "camel",   "candle",
    "canoe",   "canyon",  "carbon",  "carpet",   "castle",  "cedar",    "cello",   "chalk",
    "cheese",  "cherry",  "chess",   "chimney",  "cider",   "circus",   "clay",    "clock",
    "clover",  "cobalt",  "cobra",   "coffee",   "comet",   "copper",   "coral",   "cotton",
    "cousin",  "crater",  "crayon",  "cricket",  "crown",   "crystal",  "cup",     "curtain",
    "daisy",   "dancer",  "desert",  "diamond",  "diary",   "dinner",   "doctor",  "dolphin",
    "donkey",  "dragon",  "drawer",  "drum",     "eagle",   "echo",     "eclipse", "elbow",
    "elm",     "emerald", "engine",  "envelope", "fabric",  "falcon",   "farmer",  "feather",
    "fern",    "ferry",   "fiddle",  "finch",    "flute",   "forest",   "fossil",  "fox",
    "galaxy",  "garden",  "garlic",  "gate",     "gazelle", "ginger",   "giraffe", "glacier",
    "glove",   "goblet",  "gold",    "goose",    "granite", "grape",    "guitar",  "hammer",
    "harbor",  "harp",    "hawk",    "hazel",    "helmet",  "heron",    "hill",    "honey",
    "horizon", "horse",   "hotel",   "igloo",    "iris",    "iron",     "island",  "ivory",
    "jacket",  "jaguar",  "jasmine", "jigsaw",   "judge",   "juice",    "jungle",  "kayak",
    "kettle",  "kite",    "kitten",  "knight",   "koala",   "ladder",   "lagoon",  "lake",
    "lamp",    "lantern", "laurel",  "lemon",    "leopard", "letter",   "lily",    "linen",
    "lizard",  "lobster", "locket",  "lotus",    "lunch",   "magnet",   "maple",   "marble",
    "market",  "meadow",  "melon",   "mirror",   "monk",    "moss",     "motor",   "muffin",
    "museum",  "napkin",  "nectar",  "needle",   "nickel",  "novel",    "nutmeg",  "oasis",
    "ocean",   "olive",   "onion",   "opera",    "orange",  "orchid",   "otter",   "owl",
    "oyster",  "paddle",  "palace",  "panda",    "paper",   "parrot",   "peach",   "pebble",
    "pencil",  "pepper",  "piano",   "pigeon",   "pillow",  "pilot",    "planet",  "plum",
    "pocket",  "poem",    "pony",    "poppy",    "potato",  "prairie",  "pumpkin", "puzzle",
    "quartz",  "quilt",   "rabbit",  "radio",    "raven",   "ribbon",   "river",   "robin",
    "rocket",  "ruby",    "saddle",  "saffron",  "sail",    "salmon",   "sandal",  "scarf",
    "school",  "shadow",  "silver",  "spider",   "spoon",   "squirrel", "statue",  "sugar",
    "summer",  "teapot",  "temple",  "tiger",    "tulip",   "turtle",   "velvet",  "violin",
};

void words_append(keel_buf *out, const uint8_t *bytes) {
    for (size_t i = 0; i < WORDS_SHOWN; i++) {
        keel_buf_printf(out, "%s%s", i ? " " : "", words_list[bytes[i]]);
    }
}

bool words_from_hex(keel_buf *out, const char *hex) {
    uint8_t bytes[WORDS_SHOWN];
    if (strlen(hex) < sizeof bytes * 2 ||
        hex_decode(bytes, sizeof bytes, hex, sizeof bytes * 2) != (int)sizeof bytes) {
        return false;
    }
    words_append(out, bytes);
    return true;
}
