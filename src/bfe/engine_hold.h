/*
 * The hold thread as the engine runs it: there while a filter in force names a callout of a host,
 * or while flows are watched for one. Everything here comes from the main thread.
 */
#ifndef OPENWFP_BFE_ENGINE_HOLD_H
#define OPENWFP_BFE_ENGINE_HOLD_H

#include <openwfp.h>

#include "engine_host.h"

/* What a policy needs of it. */
struct engine_need {
    bool any, outbound, inbound, redirect;
};

struct engine_need engine_hold_look(const struct engine *engine, const struct model_view *view);
/* Before a commit: what the policy will need is there. */
uint32_t engine_hold_prepare(struct engine *engine, const struct engine_need *need,
                             struct model_error *error);
/* After it: what the policy in force does not need goes. */
void engine_hold_settle(struct engine *engine, const struct engine_need *need);

/* The host is to be asked for this callout, now if the thread runs, else when it does. */
uint32_t engine_hold_know(struct engine *engine, struct engine_host *host,
                          const struct engine_host_callout *callout, struct model_error *error);
/* No longer; ERROR_BUSY. Returns when no classify of it runs. */
uint32_t engine_hold_forget(struct engine *engine, const struct engine_host *host, uint32_t id,
                            struct model_error *error);
/* The host is gone. */
void engine_hold_leave(struct engine *engine, struct engine_host *host);
/* The hosts of the last run are back: the thread may start. */
uint32_t engine_hold_go(struct engine *engine, struct model_error *error);

/* In figures. */
void engine_hold_report(const struct engine *engine, OPENWFP_HOLD *report);

/* `keep`: what would be held goes on being dropped. */
void engine_hold_close(struct engine *engine, bool keep);

#endif
