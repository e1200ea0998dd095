/*
 * The filter engine: compiles the model's policy and has the kernel enforce it. With --no-kernel
 * it only compiles, so that all but enforcement behaves the same.
 */
#ifndef OPENWFP_BFE_ENGINE_H
#define OPENWFP_BFE_ENGINE_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "apps.h"
#include "boot.h"
#include "classify/compile.h"
#include "engine_hold.h"
#include "engine_rebuild.h"
#include "model/model.h"
#include "options.h"
#include "shims/bpf/shim.h"

#define ENGINE_SLOTS CLASSIFY_CALLOUTS

#define ENGINE_CODES 64u

/*
 * An object file in one of the kernel programs' slots. Files are told apart by name: loading one
 * of the same name replaces it, for all callouts that it serves.
 */
struct engine_object {
    char *name;     /* of the file */
    uint8_t *bytes; /* NULL: the slot is free */
    size_t size;
    uint64_t time; /* FILETIME of loading */
    int file;      /* memfd with the same bytes, for the shim */
};

/* A callout that has code; several may share a slot, as V4 and V6 of one layer do. */
struct engine_code {
    GUID key;
    uint32_t id;
    unsigned slot;
};

struct engine {
    struct shim *shim; /* NULL: no kernel */
    struct apps apps;
    struct classify_image *image; /* what is enforced now; NULL before the first commit */
    struct engine_rebuild rebuild;
    struct boot boot;
    struct engine_object slots[ENGINE_SLOTS];
    struct engine_code codes[ENGINE_CODES];
    size_t code_count;
    struct engine_host *hosts;
    struct engine_host orphans; /* callouts of hosts that are not there, engine_host.h */
    bool restoring;             /* hosts of the last run are being awaited */
    struct shim_asks *asks;     /* open while something may be held */
    struct hold *hold;          /* the same, but not while restoring */
    struct engine_need need, rules;
    bool keep_held; /* over the end of this process */
    struct model *model;
    char *scope;
    const char *pin_dir;
    sd_event_source *poll_timer, *poll_io, *idle, *reauthorize;
    shim_event_fn *on_event;
    void (*on_batch)(void *ctx); /* after the events of one poll */
    void *ctx;
    uint32_t collecting;
    uint64_t commits, refusals, events;
    uint64_t changes, images, rebuilds; /* in place; as a whole; made anew in the background */
    bool adopted;
    bool stands_in;             /* stand_in.h: what is enforced is not the model's policy */
    bool stood_in;              /* it was asked whether it should be so */
    bool connections_differ;    /* live ones may be what the policy no longer permits */
    bool behind;                /* what is enforced is not the model's policy */
    struct shim_report *report; /* of the probe, made when first asked for */
};

/* -1 or an enum bfe_exit; failures are logged. */
int engine_open(struct engine *engine, const struct bfe_options *options);
/* Starts handing over events. 0 or a negative errno. */
int engine_start(struct engine *engine, sd_event *event, shim_event_fn *on_event,
                 void (*on_batch)(void *ctx), void *ctx);
void engine_close(struct engine *engine);
/* Somebody wants something: what can be done ahead of time is put off. */
void engine_busy(struct engine *engine);

/* The model's hook: the view becomes what is enforced, or nothing changes. */
uint32_t engine_apply(struct engine *engine, const struct model_view *view,
                      struct model_error *error);
/* Live connections are asked about again, when the event loop comes to it. */
void engine_reauthorize(struct engine *engine);
/* Which events the kernel makes: SHIM_COLLECT_*. */
void engine_collect(struct engine *engine, uint32_t mask);

/* ---- callouts' code ---- */

const struct engine_code *engine_code_find(const struct engine *engine, const GUID *key);
/* Loads or replaces; `id` is the callout's. May be MODEL_WOULD_BLOCK, as the policy changes. */
uint32_t engine_code_load(struct engine *engine, const GUID *key,
                          const struct engine_object *wanted, uint32_t *id,
                          struct model_error *error);
uint32_t engine_code_unload(struct engine *engine, const GUID *key, struct model_error *error);
/* A copy of the callout's code, for putting it back; without bytes when it has none. */
bool engine_code_copy(const struct engine *engine, const GUID *key, struct engine_object *copy);
void engine_code_copy_free(struct engine_object *copy);
/* At the start: the code of the last run, in the same slot if that is free or has the same file.
 * Failures are logged. */
void engine_code_restore(struct engine *engine, const struct engine_code *code,
                         const struct engine_object *object);
void engine_drop_strangers(struct engine *engine);
void engine_free_codes(struct engine *engine);

/* What the kernel has; NULL: out of memory. */
const struct shim_report *engine_report(struct engine *engine);

#endif
