/*
 * A policy that changes: of the filters of a policy set, its universe, some are in force. Changes
 * are drawn, made in the model's order (what is deleted goes before what is added comes, every
 * added filter has a fresh id), and brought into the compiled image as bfe does it: in place, by a
 * rebuild that changes go on beside, or by a whole new image. Lack of memory and refusals end the
 * program.
 */
#ifndef OPENWFP_TESTS_CHANGING_H
#define OPENWFP_TESTS_CHANGING_H

#include "agreement.h"
#include "classify/change.h"
#include "classify/rebuild.h"

struct changing {
    struct policy_set set; /* the universe; a filter's id is that of its last time in force */
    size_t *places;        /* of its filters: those in force first */
    size_t in_force;
    uint64_t last_id;
    struct random random;
    struct kernel_side *kernel; /* NULL: user space only */
    struct classify_image *image;
    struct classify_rebuild *rebuild; /* NULL: none is under way */
    struct reference_filter *reference;
    struct model_view_filter *view;
    unsigned long changes, whole, rebuilds, cancelled;
};

/* Filters as they were when the change was drawn. */
struct change_list {
    size_t count, capacity;
    FWPM_FILTER0 *filters;
    struct model_view_filter *view;
};

struct drawn_change {
    struct change_list added, deleted;
};

/* All of the universe is in force. */
void changing_begin(struct changing *changing, const char *name, size_t count,
                    struct kernel_side *kernel, uint64_t seed);
void changing_end(struct changing *changing);

/* Chooses a change and makes it in the universe; `most` filters are added and deleted at most. */
void changing_draw(struct changing *changing, size_t most, struct drawn_change *change);
void drawn_change_free(struct drawn_change *change);

/* What the reference says of the filters that are in force in the universe now. */
void changing_sort(struct changing *changing);
struct reference_result changing_reference(const struct changing *changing,
                                           const struct classify_key *key);

/* Not seen before changing_publish(). False: no room; only changing_whole() is left. */
bool changing_prepare(struct changing *changing, const struct drawn_change *change);
void changing_publish(struct changing *changing);
/* Draws and prepares a change, and then it does not come. */
void changing_cancelled(struct changing *changing, size_t most);
/* A new image of all that is in force in the universe; a rebuild is given up. */
void changing_whole(struct changing *changing);
/* Begins and runs a rebuild, unless one is under way. */
void changing_rebuild(struct changing *changing);
/* Puts the rebuild's image in force with all changes since. */
void changing_rebuilt(struct changing *changing);

#endif
