/* Effects as a table gives them, and what the trust ramp makes of them. */
#ifndef RAMP_WORLD_H
#define RAMP_WORLD_H

#define AFTER 3
#define MOST  40

/* So many effects alike. how: c clean, t clean by a tainted run, r refused, l a refusal whose words were
 * erased, u a compensation, a and n clean, an answer to who wrote or to somebody else. */
typedef struct said {
    int times;
    char how;
    const char *args;
} said;

typedef struct example {
    const char *bands; /* of the rule */
    said past[6];
    const char
        *found; /* "attr: value; ..." as `allow` gets them, or a reason's word; "": nothing */
} example;

/* 0, or 1 when something else was found, or the allow that was found lets through too little or too
 * much. */
int ramp_play(const example *x, const char *target);
/* Of no effects nothing is found. */
void ramp_play_nothing(void);

#endif
