/* All points: those that the program was built with, whether a script hits them or not, the operations of
 * the store, the answers of the outside, and the deaths without a name; each with the visits that are
 * planned for it and what became of them. */
#ifndef POINTS_H
#define POINTS_H

#include "power.h"
#include "visit.h"

typedef struct point {
    char name[120];
    bool registered; /* a failpoint of this program */
    bool steers;     /* a script's own: it bends a clock, and is visited by being used */
    long hits;       /* that scripts have */
    long planned, visited, missed, violations;
} point;

typedef struct points_plan {
    const char *only; /* NULL: all */
    long seed;
    bool quick;
    bool all_registered; /* those that no script hits count as not visited */
} points_plan;

/* Adds the points that the program was built with. */
void points_begin(const points_plan *p);
/* After the script's trace: adds its points, and the visits to them. first: deaths are visited too.
 * first_of_place: of the scripts that begin with a copy of the same site. */
void points_add_script(const script *sc, bool first, bool first_of_place);
void points_add_pairs(void); /* after all scripts */

size_t points_visits(void);
const visit *points_visit(size_t i);
/* "work:journal.step.append@2". */
void points_title(const visit *v, char *out, size_t size);

typedef enum points_outcome { POINTS_VISITED, POINTS_MISSED, POINTS_VIOLATED } points_outcome;
void points_done(const visit *v, points_outcome outcome);

size_t points_count(void);
const point *points_get(size_t i); /* sorted by name after points_add_pairs */
/* The area of a point is what stands before its first full stop. */
void points_area(const char *name, char *out, size_t size);

typedef struct points_sum {
    long all;     /* points times hits: what there is to visit */
    long planned; /* in this run */
    long visited, missed, violations;
    long unreached; /* failpoints that no script hits */
} points_sum;
points_sum points_add_up(void);

#endif
