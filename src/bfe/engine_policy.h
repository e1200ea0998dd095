/* The engine's image of the policy. */
#ifndef OPENWFP_BFE_ENGINE_POLICY_H
#define OPENWFP_BFE_ENGINE_POLICY_H

#include "model/model.h"

struct classify_image;
struct engine;

/*
 * Makes the image what is enforced, in the place of the one before. It is the engine's from now on;
 * when that fails it is freed and nothing has changed.
 */
uint32_t policy_enforce(struct engine *engine, struct classify_image *image,
                        struct model_error *error);

#endif
