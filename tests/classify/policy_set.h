/*
 * Sets of filters of any size for the tests and benches of classification, and keys to ask them
 * with. A set's name and size say all: it is the same every time.
 *
 * Seeds, after tests/lib/classbench.h, at ALE_AUTH_CONNECT; source is the local end:
 *   acl fw ipc                      also programs, users, flags, negations, alternatives, callouts,
 *                                   hard permits, in four sublayers
 *   acl6                            the same as acl at ALE_AUTH_CONNECT_V6
 *   acl-plain fw-plain ipc-plain    addresses, ports, protocol; one sublayer; permit and block:
 *                                   filter i is rule i of classbench_make()
 * Adversaries: see policy_set_adversaries.c.
 */
#ifndef OPENWFP_TESTS_POLICY_SET_H
#define OPENWFP_TESTS_POLICY_SET_H

#include "../lib/random.h"
#include "classify/compile.h"
#include "model/layers.h"
#include "model/reference.h"

struct policy_set {
    const char *name;
    const struct layer_info *layer;
    size_t count;
    FWPM_FILTER0 *filters;
    struct model_view_filter *view;
    struct set_chunk *conditions, *values; /* the memory of these */
};

/* All names, the seeds first; NULL behind the last. */
extern const char *const policy_set_names[];

/*
 * Exits with a message when memory is short. False: no set is called that. Some adversaries are
 * made of fewer filters than asked for.
 */
bool policy_set_make(struct policy_set *set, const char *name, size_t count);
void policy_set_free(struct policy_set *set);

/* Numbers for the programs of all sets. */
extern const struct classify_intern policy_set_intern;

/* The filters as the reference wants them, in the order in which they are asked; for free(). */
struct reference_filter *policy_set_reference(const struct policy_set *set);
struct reference_filter policy_set_reference_one(const struct model_view_filter *filter);

/* ---- keys ---- */

/*
 * All but CLASSIFY_USER_BITS, which depends on the compiled image: policy_set_user_bits().
 *
 * In a random filter's box: it matches that filter, though one before it may decide. Often it sits
 * on an edge of the box, and where the filter leaves a field open it may be in another filter's.
 */
void policy_set_key(const struct policy_set *set, struct random *random, struct classify_key *key);
/* The same for this filter. */
void policy_set_key_in(const struct policy_set *set, const FWPM_FILTER0 *filter,
                       struct random *random, struct classify_key *key);
/* Anything; seldom in any box of addresses. */
void policy_set_stray_key(const struct policy_set *set, struct random *random,
                          struct classify_key *key);
/*
 * Keys of both kinds, `strays` in a hundred of the latter, in bursts after ClassBench's locality
 * (0.1; 0: none).
 */
void policy_set_trace(const struct policy_set *set, unsigned strays, double locality,
                      struct classify_key *keys, size_t count, struct random *random);

void policy_set_user_bits(const struct classify_image *image, struct classify_key *key);

/* A key as the reference sees it. Points into itself, and so must not move. */
struct policy_set_fields {
    size_t count;
    struct reference_field fields[16];
    FWP_BYTE_ARRAY16 addresses[2];
    FWP_BYTE_BLOB program;
    FWP_TOKEN_INFORMATION token;
    SID_AND_ATTRIBUTES sids[3];
    uint8_t sid[3][72];
};

void policy_set_fields(const struct policy_set *set, const struct classify_key *key,
                       struct policy_set_fields *fields);

#endif
