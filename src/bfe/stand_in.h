/*
 * What is enforced while the policy is not known, because the store is damaged: what the loader has
 * put in force, or the boot image, or the closed policy. It ends when an administrator commits a
 * change of the policy; until then the boot image stays as it is, too.
 */
#ifndef OPENWFP_BFE_STAND_IN_H
#define OPENWFP_BFE_STAND_IN_H

#include <stdbool.h>

#include "model/model.h"

struct engine;

/* Before the first policy is enforced. `lost`: it was known when bfe ran last in this boot. */
void stand_in_begin(struct engine *engine, bool lost);

/*
 * True: this commit is not what ends it, and *code is its answer: a restart's own succeed, a
 * program's fail, since what it asks for would not be enforced.
 */
bool stand_in_goes_on(const struct engine *engine, const struct model_view *view, uint32_t *code,
                      struct model_error *error);

/* What is in force in the policy's place, as people are told it; NULL: the policy is. */
const char *stand_in_name(const struct engine *engine);

/* The policy is in force: boot-time filters no longer are (8.3). */
void stand_in_end(struct engine *engine);

#endif
