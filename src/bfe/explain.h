/*
 * Why an operation is permitted or blocked: the enforcing lookup, run in user space over the image
 * that the kernel has, with a note of every filter that matches.
 */
#ifndef OPENWFP_BFE_EXPLAIN_H
#define OPENWFP_BFE_EXPLAIN_H

#include "classify/evaluate.h"
#include "engine.h"
#include "rpc/arena.h"
#include "rpc/convert.h"

#define EXPLAIN_STEPS_MAX 1024u

/* The fields of a request as the lookup's key; false, with the error set: they make no sense. */
bool explain_key(struct converter *c, const struct engine *engine,
                 const OPENWFP_EXPLAIN_REQUEST *request, struct classify_walk *walk);
/* The fields that a net event tells. */
void explain_event_key(const struct engine *engine, const struct shim_event *event,
                       struct classify_walk *walk);

/* Runs the walk; false: no memory. Names of filters and sublayers are left to the caller. */
bool explain_walk(struct converter *c, const struct engine *engine, struct classify_walk *walk,
                  OPENWFP_EXPLANATION *explanation);

#endif
