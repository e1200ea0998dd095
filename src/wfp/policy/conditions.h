/*
 * A rule's meaning as FWPM_FILTER_CONDITION0s of one family's layer: conditions on one field stand
 * together (they are ORed, semantics 3.8), different fields are ANDed.
 */
#ifndef OPENWFP_POLICY_CONDITIONS_H
#define OPENWFP_POLICY_CONDITIONS_H

#include <fwpmu.h>

#include "src/wfp/policy/meaning.h"

struct conditions {
    FWPM_FILTER_CONDITION0 *list;
    uint32_t count;
};

struct conditions conditions_of(struct arena *arena, const struct meaning *meaning,
                                enum family family);

/* A path as the API names programs: UTF-16 with its end (semantics 3.9). */
FWP_BYTE_BLOB *app_id_make(struct arena *arena, const char *path);

WCHAR *arena_wide(struct arena *arena, const char *text);

#endif
