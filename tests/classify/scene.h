/*
 * A few filters and one operation at ALE_AUTH_CONNECT_V4 or _V6, decided by the reference and by
 * the compiled lookup. scene_decide() fails the test when the two disagree.
 */
#ifndef OPENWFP_TESTS_SCENE_H
#define OPENWFP_TESTS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fwpmu.h>

#include "classify/evaluate.h"
#include "differential.h"
#include "random_policy.h"

#define SCENE_FILTERS    16
#define SCENE_CONDITIONS 8

struct scene {
    const struct layer_info *layer; /* of the operation, and of filters until it is changed */
    size_t count;
    FWPM_FILTER0 filters[SCENE_FILTERS];
    FWPM_FILTER_CONDITION0 conditions[SCENE_FILTERS][SCENE_CONDITIONS];
    struct model_view_filter view[SCENE_FILTERS];
    struct reference_filter reference[SCENE_FILTERS];

    struct classify_key key;
    struct reference_field fields[RANDOM_FIELDS];
    size_t field_count;
    struct random_storage user;
    uint32_t groups[RANDOM_GROUPS];
    size_t group_count;

    enum classify_outcome outcome[SCENE_FILTERS + 1]; /* by filter id, from the last decision */
    bool seen[SCENE_FILTERS + 1];
};

void scene_begin(struct scene *scene, const GUID *layer);

/* Adds a filter; ids count from 1. Callouts are registered and answer as scene_script() says. */
uint64_t scene_filter(struct scene *scene, uint16_t sublayer, uint64_t weight,
                      FWP_ACTION_TYPE action);
void scene_flags(struct scene *scene, uint64_t id, uint32_t flags);
void scene_script(struct scene *scene, uint64_t id, uint64_t script);
void scene_unregister(struct scene *scene, uint64_t id);
void scene_condition(struct scene *scene, uint64_t id, const GUID *field, FWP_MATCH_TYPE match,
                     FWP_CONDITION_VALUE0 value);

/* The operation's fields; what is not set is absent. */
void scene_set(struct scene *scene, const GUID *field, FWP_VALUE0 value);
void scene_set_program(struct scene *scene, FWP_BYTE_BLOB *path, uint32_t number);
void scene_set_user(struct scene *scene, uint32_t uid, const uint32_t *groups, size_t count);

struct classify_result scene_decide(struct scene *scene);
/* Whether the only filter, a permit, matches. */
bool scene_matches(struct scene *scene);
/* The code with which the filters are refused, or ERROR_SUCCESS. */
uint32_t scene_refusal(struct scene *scene, struct model_error *error);

#endif
